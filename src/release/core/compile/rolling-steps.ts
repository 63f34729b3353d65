import { formatDuration } from '../../../kernel/pure.ts';
import type { Step } from '../plan.ts';
import type { Draft, Part } from './draft.ts';
import { groupSpec, splitRouteSpec, type Side } from './group.ts';
import { step } from './input.ts';
import { shareOf, type Move } from './rolling.ts';
import { partOf, sizeOf } from './rolling-size.ts';
import { observeInput } from './watch-steps.ts';

/** Old instances that make room before the first new one starts. */
export function makeRoom(draft: Draft): Part {
  const { rolling, old } = draft;
  if (rolling === null || old === null) return NOTHING;
  return withUndo(
    draft,
    rolling.before.map((move, index) => retire(draft, old, { move, name: `room-${index + 1}` })),
  );
}

/**
 * The other moves: users follow the instances, and the new version is watched with each larger share.
 * @param switchUsers sends everybody to the new version, before the last old instances are stopped
 */
export function rollingSteps(draft: Draft, switchUsers: readonly Step[]): Part {
  const { rolling, old } = draft;
  if (rolling === null || old === null) return NOTHING;
  const steps: Step[] = [...toShare(draft, old, rolling.first, 1)];
  let batch = 1;
  for (const move of rolling.rest) {
    if (move.kind === 'retire') {
      // Nobody is sent to an instance that is about to go.
      const users = move.old === 0 ? switchUsers : route(draft, old, move);
      steps.push(...users, retire(draft, old, { move, name: `retire-${batch}` }));
    } else {
      batch += 1;
      steps.push(add(draft, move, batch), ...toShare(draft, old, move, batch));
    }
  }
  return withUndo(draft, dropRepeated(steps));
}

const NOTHING: Part = { steps: [], undo: {} };

/** Whatever of it was begun: the old version is whole again before users come back to it. */
function withUndo({ undo }: Draft, steps: readonly Step[]): Part {
  return { steps, undo: Object.fromEntries(steps.map(({ id }) => [id, [...undo.startOld, ...undo.openOld]])) };
}

function toShare(draft: Draft, old: Side, move: Move, batch: number): readonly Step[] {
  return [...route(draft, old, move), ...watch(draft, batch)];
}

function add({ input, newSide }: Draft, { fresh }: Move, batch: number): Step {
  return step('deploy', `add-${batch}`, {
    kind: 'apply-group',
    title: `start instances of ${newSide.version}: ${fresh} of ${sizeOf(newSide.definition)}`,
    input: groupSpec(newSide, input.databaseUrl, partOf(newSide, fresh)),
  });
}

function retire({ input }: Draft, old: Side, { move, name }: { readonly move: Move; readonly name: string }): Step {
  return step('deploy', name, {
    kind: 'apply-group',
    title: `stop instances of ${old.version}: ${move.old} of ${sizeOf(old.definition)} stay`,
    input: groupSpec(old, input.databaseUrl, partOf(old, move.old)),
  });
}

function route({ newSide }: Draft, old: Side, move: Move): readonly Step[] {
  const share = shareOf(move);
  // Everybody on one version is what `deploy.switch` says, and what was before.
  const spec = share === 0 || share === 100 ? null : splitRouteSpec(newSide, old, share);
  return spec === null
    ? []
    : [step('deploy', `share-${share}`, { kind: 'route', title: `send ${share} % of the users to ${newSide.version}`, input: spec })];
}

function watch(draft: Draft, batch: number): readonly Step[] {
  const { pauseMs } = draft.rolling?.definition ?? { pauseMs: 0 };
  if (pauseMs === 0) return [];
  const everyMs = Math.min(draft.input.definition.observe.everyMs, pauseMs);
  return [
    step(
      'deploy',
      `watch-${batch}`,
      {
        kind: 'observe',
        title: `watch ${draft.newSide.version} with this share for ${formatDuration(pauseMs)}`,
        input: { ...observeInput(draft), shared: true },
      },
      { repeat: { everyMs, forMs: pauseMs } },
    ),
  ];
}

/** Two moves may give the same share. */
function dropRepeated(steps: readonly Step[]): readonly Step[] {
  return steps.filter(({ id }, index) => steps.findIndex((other) => other.id === id) === index);
}
