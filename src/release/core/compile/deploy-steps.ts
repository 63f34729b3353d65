import { reasonWithoutMigration } from './data-steps.ts';
import { startOfWorkers } from './canary-workers.ts';
import { canarySteps } from './canary-steps.ts';
import { makeRoom, rollingSteps } from './rolling-steps.ts';
import { partOf } from './rolling-size.ts';
import { meet } from './set-steps.ts';
import { asJson, holdsForMigration, stopOld, type Draft, type Part } from './draft.ts';
import type { Step } from '../plan.ts';
import { groupSpec, routeSpec, type Side } from './group.ts';
import { step, UNDO_OPTIONS } from './input.ts';
import { smokeStep } from './watch-steps.ts';

/** The new version is started, smoked and, when the way back was tried, given the users. */
export function deploySteps(draft: Draft): Part {
  const { input, newSide, old, exclusive, rolling, undo } = draft;
  const start = step('deploy', 'start', {
    kind: 'apply-group',
    title: `start ${newSide.version}${input.definition.listen === null ? '' : ' beside the traffic'}`,
    input: groupSpec(newSide, input.databaseUrl, rolling === null ? startOfWorkers(draft) : partOf(newSide, rolling.first.fresh)),
  });
  const smoke = smokeStep('verify', 'smoke', `smoke ${newSide.version} before users reach it`, newSide);
  const held = exclusive && old !== null;
  const stopped = held && !holdsForMigration(draft) ? stopOld(draft, 'deploy') : { steps: [], undo: {} };
  const room = makeRoom(draft);
  const traffic = rolling === null ? switchTraffic(draft) : rollingSteps(draft, moveUsers(draft));
  const rehearse = rehearsal(draft);
  // Where users are held meanwhile, nobody is waited for.
  const meeting = exclusive ? [] : meet(input.set, input.release, 'deploy');
  const canary = canarySteps(draft);
  return {
    steps: [...stopped.steps, ...room.steps, start, smoke, ...rehearse, ...meeting, ...canary.steps, ...traffic.steps],
    // An old version that somebody stopped, or that was given up, runs again: that is what is smoked and what users come back to.
    undo: {
      ...stopped.undo,
      ...room.undo,
      [start.id]: exclusive ? undo.stopNew : [...undo.stopNew, ...undo.startOld],
      ...stopRehearsal(rehearse),
      ...canary.undo,
      ...traffic.undo,
    },
  };
}

function switchTraffic(draft: Draft): Part {
  const { old, exclusive, undo } = draft;
  const moved = moveUsers(draft);
  const quiet = exclusive || old === null ? [] : quietOld(draft, old);
  // Users come back before the old background work does; without any, the old version is started before they come.
  const back = exclusive ? undo.holdTraffic : quiet.length > 0 ? undo.openOld : [...undo.startOld, ...undo.openOld];
  // Some users are on a canary meanwhile: they come back first.
  const quieted = draft.checkpoints.length > 0 ? [...undo.openOld, ...undo.startOld] : undo.startOld;
  const undone = [...moved.map((one) => [one.id, back] as const), ...quiet.map((one) => [one.id, quieted] as const)];
  return { steps: [...quiet, ...moved], undo: Object.fromEntries(undone) };
}

/** A version that takes no traffic leaves none of the old one's behind. */
function moveUsers({ input, newSide, old }: Draft): readonly Step[] {
  const route = routeSpec(input.definition, 'open', newSide);
  if (route !== null) return [step('deploy', 'switch', { kind: 'route', title: `send users to ${newSide.version}`, input: route })];
  const closed = old === null ? null : routeSpec(old.definition, 'closed', null);
  if (closed === null) return [];
  return [step('deploy', 'close', { kind: 'route', title: `close the route: ${newSide.version} takes no traffic`, input: closed })];
}

function quietOld({ input }: Draft, old: Side): readonly Step[] {
  if (!old.definition.processes.some((one) => !one.routed)) return [];
  if (old.definition.listen === null)
    return [step('deploy', 'quiet-old', { kind: 'remove-group', title: `stop ${old.version}`, input: { group: old.group } })];
  return [
    step('deploy', 'quiet-old', {
      kind: 'apply-group',
      title: `stop the background work of ${old.version}; it stays warm for requests`,
      input: groupSpec(old, input.databaseUrl, 'routed'),
    }),
  ];
}

/** The step from which on users, or the new version's own work, write to the new schema. */
export function trafficStep({ input }: Draft): string {
  return input.definition.listen === null ? 'deploy.start' : 'deploy.switch';
}

/** The old version is asked the smoke questions on the migrated data, while it does not serve: is the way back open? */
function rehearsal({ input, old, restoring, exclusive, rolling }: Draft): readonly Step[] {
  const title = 'rehearse the rollback';
  // Whatever is wrong with the version somebody leaves: it must not keep them on it.
  if (input.target !== null && old !== null)
    return [
      step(
        'verify',
        'rehearse',
        { kind: 'rehearse', title, input: {} },
        { skip: `${old.version} is what is being left: its state is not judged, so the way back to it is not proven` },
      ),
    ];
  if (old === null)
    return [
      step(
        'verify',
        'rehearse',
        { kind: 'rehearse', title, input: {} },
        { skip: 'first release of this service here: there is no version to go back to' },
      ),
    ];
  if (restoring)
    return [
      step(
        'verify',
        'rehearse',
        { kind: 'rehearse', title, input: {} },
        { skip: 'the way back is the backup, which was restored into a scratch database and compared' },
      ),
    ];
  const group = exclusive
    ? { ...groupSpec(old, input.databaseUrl, 'routed'), id: `${old.definition.service}/${old.definition.environment}/rehearsal` }
    : groupSpec(old, input.databaseUrl, rolling === null ? 'all' : partOf(old, rolling.first.old));
  return [
    step(
      'verify',
      'rehearse',
      {
        kind: 'rehearse',
        title: `rehearse the rollback: ${old.version} passes its smoke on the migrated data`,
        input: {
          group,
          temporary: exclusive,
          smoke: asJson(old.definition.smoke),
          changesData: reasonWithoutMigration(input) === null,
          version: old.version,
          service: old.definition.service,
          environment: old.definition.environment,
        },
      },
      { attempts: 2 },
    ),
  ];
}

/** A rehearsing old version that was cut off is not left running. */
function stopRehearsal([rehearse]: readonly Step[]): Part['undo'] {
  if (rehearse?.input['temporary'] !== true) return {};
  const group = rehearse.input['group'] as { readonly id: string };
  return {
    [rehearse.id]: [
      step('rollback', 'stop-rehearsal', { kind: 'remove-group', title: 'stop the rehearsal', input: { group: group.id } }, UNDO_OPTIONS),
    ],
  };
}
