import type { JsonObject } from '../../../kernel/pure.ts';
import type { CanaryCheckpoint, Definition } from '../definition.ts';
import type { PreviousVersion, Step, StrategyName } from '../plan.ts';
import { artifactFolder, freeSlot, routeSpec, type Side } from './group.ts';
import { step, type PlanInput } from './input.ts';
import { rollingOf, type Rolling } from './rolling-size.ts';
import { decidingMigration } from './strategy.ts';
import { undoSteps, type UndoSteps } from './undo-steps.ts';

/** Everything the step builders share about one release. */
export interface Draft {
  readonly input: PlanInput;
  readonly newSide: Side;
  readonly old: Side | null;
  readonly exclusive: boolean;
  /** The moves of a rolling update; null for other strategies. */
  readonly rolling: Rolling | null;
  /** The checkpoints of a canary; empty for other strategies. */
  readonly checkpoints: readonly CanaryCheckpoint[];
  /** True when the old version's data can only come back from the backup. */
  readonly restoring: boolean;
  readonly undo: UndoSteps;
}

/** Steps of one part of a plan with how each is undone. */
export interface Part {
  readonly steps: readonly Step[];
  readonly undo: Readonly<Record<string, readonly Step[]>>;
}

/** Works out the two sides and what kind of way back there is. */
export function draftOf(input: PlanInput, strategy: StrategyName): Draft {
  const { definition, previous, target } = input;
  const group = freeSlot(definition.service, definition.environment, previous?.group ?? null);
  const newSide: Side = {
    version: input.version,
    // A version put back keeps the name it was released under, so a warm group stays as it is.
    release: target?.release ?? input.release,
    group,
    artifact: target?.artifact ?? artifactFolder(definition.service, input.version),
    definition,
    databaseUrl: target?.databaseUrl,
  };
  const old = previous === null ? null : sideOf(previous);
  const deciding = decidingMigration(input.migrations ?? []);
  const restoring = deciding?.rollbackClass === 'restore';
  return {
    input,
    newSide,
    old,
    ...mannerOf(strategy, old, definition),
    restoring,
    undo: undoSteps(newSide, old, input.databaseUrl),
  };
}

function mannerOf(strategy: StrategyName, old: Side | null, definition: Definition): Pick<Draft, 'exclusive' | 'rolling' | 'checkpoints'> {
  return {
    exclusive: strategy === 'recreate',
    rolling: strategy === 'rolling' ? rollingFrom(old, definition) : null,
    checkpoints: strategy === 'canary' ? (definition.strategy.canary?.checkpoints ?? []) : [],
  };
}

/** As slipway.yaml says, also where the planner chose it. */
function rollingFrom(old: Side | null, definition: Definition): Rolling | null {
  if (old === null) return null;
  const rolling = definition.strategy.rolling ?? { surge: { count: 1 }, unavailable: { count: 0 }, pauseMs: 10_000 };
  return rollingOf(rolling, definition, old.definition);
}

function sideOf(previous: PreviousVersion): Side {
  return {
    version: previous.version,
    release: previous.release,
    group: previous.group,
    artifact: previous.artifact,
    definition: previous.definition,
    databaseUrl: previous.databaseUrl,
  };
}

/** Holds traffic and stops the old version, in the stage that needs it gone. */
export function stopOld({ old, undo }: Draft, stage: 'deploy' | 'migrate'): Part {
  if (old === null) return { steps: [], undo: {} };
  const held = routeSpec(old.definition, 'hold', old);
  const hold =
    held === null
      ? []
      : [
          step(stage, 'hold', {
            kind: 'route',
            title: 'hold new requests (30 s each at most, then 503), let running ones finish',
            input: held,
          }),
        ];
  const stop = step(stage, 'stop-old', { kind: 'remove-group', title: `stop ${old.version}`, input: { group: old.group } });
  return {
    steps: [...hold, stop],
    undo: { ...(hold[0] === undefined ? {} : { [hold[0].id]: undo.openOld }), [stop.id]: undo.startOld },
  };
}

/** True when the old version must be gone before the migration, not only before the new version starts. */
export function holdsForMigration({ input, exclusive, old }: Draft): boolean {
  const deciding = decidingMigration(input.migrations ?? []);
  return exclusive && old !== null && deciding !== null && deciding.rollbackClass !== 'app';
}

/** Domain types are plain readonly data; this only tells the compiler so. */
export function asJson(value: object | null): JsonObject | null {
  return value as unknown as JsonObject | null;
}
