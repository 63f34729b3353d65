import { formatDuration, type JsonObject } from '../../../kernel/pure.ts';
import type { Step } from '../plan.ts';
import { asJson, type Draft, type Part } from './draft.ts';
import { groupSpec, type Side } from './group.ts';
import { step } from './input.ts';
import { meet } from './set-steps.ts';

/** Looks in a row that see nothing, about half a minute: an agent that is started again is back by then. */
const MOST_BLIND = 6;

/** What follows the switch: the users' own way in, the window, the old version's time, and the look at the evidence. */
export function watchSteps(draft: Draft): Part {
  const { input, newSide } = draft;
  const { observe, listen } = input.definition;
  const live =
    listen === null
      ? []
      : [
          step(
            'verify',
            'live',
            {
              kind: 'smoke',
              title: "smoke through the users' address",
              input: {
                smoke: asJson(input.definition.smoke),
                through: 'route',
                group: newSide.group,
                version: newSide.version,
                listen: { ...listen },
              },
            },
            // Only a router that is away is asked again; what fails is not.
            { attempts: MOST_BLIND, timeoutMs: 120_000 },
          ),
        ];
  const watch = step(
    'observe',
    'window',
    {
      kind: 'observe',
      title: 'watch the new version under real traffic',
      input: observeInput(draft),
    },
    { repeat: { everyMs: observe.everyMs, forMs: observe.windowMs }, attempts: MOST_BLIND },
  );
  const evidence = step('evidence', 'check', { kind: 'evidence', title: 'check that the evidence is complete', input: {} });
  const warm = keepWarm(draft);
  const [watched, final] = [meet(input.set, input.release, 'observe'), meet(input.set, input.release, 'evidence')];
  return { steps: [...live, watch, ...watched, ...warm.steps, evidence, ...final], undo: warm.undo };
}

/** What a look at the new version under real traffic looks at, and what ends it. */
export function observeInput({ input: { definition }, newSide }: Draft): JsonObject {
  const { observe, listen, service, environment } = definition;
  return {
    group: newSide.group,
    route: listen === null ? null : `${service}/${environment}`,
    version: newSide.version,
    stop: { maxErrorRate: observe.maxErrorRate, maxP99Ms: observe.maxP99Ms, maxRestarts: observe.maxRestarts },
  };
}

/** No reason to go back from a version that passed everything: an agent that is away is waited for. */
const PATIENT = { attempts: 20 } as const;

/** The old version stays for a quick way back, but not for ever: it holds memory, connections and its slot. */
function keepWarm({ input, old, exclusive, rolling, undo }: Draft): Part {
  // Without traffic there is nobody to switch back: the old version was stopped with its work.
  if (old === null || exclusive || old.definition.listen === null) return { steps: [], undo: {} };
  // A rolling update has stopped the old version's instances one after the other: there is nothing left to keep warm.
  const warmMs = rolling === null ? input.definition.rollback.warmMs : 0;
  const end =
    warmMs === 0
      ? step('observe', 'stop-old', { kind: 'remove-group', title: `stop ${old.version}`, input: { group: old.group } }, PATIENT)
      : step(
          'observe',
          'keep-warm',
          {
            kind: 'apply-group',
            title: `keep ${old.version} warm for another ${formatDuration(warmMs)}`,
            input: { ...groupSpec(old, input.databaseUrl, 'routed'), stopAfterMs: warmMs },
          },
          PATIENT,
        );
  return { steps: [end], undo: { [end.id]: rolling === null ? undo.keepOld : undo.startOld } };
}

/** Smoke of one side on its own ports. */
export function smokeStep(stage: 'verify' | 'rollback', name: string, title: string, side: Side): Step {
  return step(
    stage,
    name,
    { kind: 'smoke', title, input: { smoke: asJson(side.definition.smoke), through: 'group', group: side.group, version: side.version } },
    { attempts: stage === 'rollback' ? 5 : 1, timeoutMs: 180_000 },
  );
}

/** The old version's smoke at the end of a rollback. */
export function reSmoke({ old }: Draft): readonly Step[] {
  return old === null ? [] : [smokeStep('rollback', 're-smoke', `smoke ${old.version} again`, old)];
}
