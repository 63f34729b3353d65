import { join } from 'node:path';
import { changedFiles, readArtifact } from '../artifact/store.ts';
import type { Plan, PreviousVersion, Step } from '../core/plan.ts';
import { isSameVersion, lastVersion } from '../previous.ts';
import type { RouteSpec } from '../../traffic/index.ts';
import { as, text } from '../steps/input.ts';
import type { PreflightCheck } from './preflight.ts';
import { fail, notYet, pass, unknown, type Answer } from './answers.ts';

/** The place where software runs answers, and users are not in the slot that the new version is about to take. */
export const checkTarget: PreflightCheck = async ({ target, router }, plan) => {
  const groups = await target.list(plan.service, plan.environment);
  const start = plan.steps.find((step) => step.id === 'deploy.start' && step.skip === null);
  const route = await router.inspect(`${plan.service}/${plan.environment}`);
  // So it is after a release that was accepted half-way: what serves is then not what Slipway calls released.
  const taken = route?.spec.backends.find((backend) => backend.group === start?.input['id'] && backend.weight > 0);
  if (taken !== undefined)
    return fail(
      `users are on ${taken.version} in ${taken.group}, where ${plan.version} would be started`,
      'Put users back on the released version first, or replace what they are on under their feet with --skip preflight.target=REASON.',
    );
  return pass(
    groups.length === 0
      ? 'reachable; nothing of this service runs yet'
      : `reachable; ${groups.map((group) => `${group.spec.version} in ${group.spec.id}`).join(', ')}`,
  );
};

/** Users can reach the new version where the plan says. The router is asked, because it is the one to listen there. */
export const checkListen: PreflightCheck = async ({ router }, plan) => {
  const opened = plan.steps.find((step) => step.id === 'deploy.switch' && step.skip === null);
  if (opened === undefined) return pass('no route is opened');
  const { id, listen } = as<RouteSpec>(opened.input);
  const { verdict, reason, fix } = await router.canListen(id, listen);
  return { verdict, reason, ...(fix === null ? {} : { fix }) };
};

/** A degraded system is repaired first: a release into it can prove nothing. */
export const checkHealth: PreflightCheck = async ({ target }, plan) => {
  if (plan.previous === null) return pass('first release: nothing serves yet');
  const group = await target.inspect(plan.previous.group);
  if (group === null)
    return fail(
      `${plan.previous.version} should be running in ${plan.previous.group} and is not`,
      `Find out why, or release with --skip preflight.health=REASON${cannotRun(plan)}.`,
    );
  const bad = group.instances.filter((instance) => instance.phase !== 'ready');
  if (bad.length > 0) {
    // Just started is no answer yet; the other phases are one.
    const answer = bad.every((instance) => instance.phase === 'starting') ? notYet : fail;
    return answer(
      `${plan.previous.version} is degraded: ${bad.map((one) => `${one.process}#${one.index} is ${one.phase} (${one.health.reason})`).join('; ')}`,
      `Repair it first, or release the repair with --skip preflight.health=REASON${cannotRun(plan)}.`,
    );
  }
  return pass(`${plan.previous.version}: ${group.instances.length} instances are ready`);
};

/** Rehearsing the way back starts the old version; one that cannot run would end the release that replaces it. */
function cannotRun({ steps, previous }: Plan): string {
  const rehearsed = steps.some((step) => step.kind === 'rehearse' && step.skip === null);
  return rehearsed
    ? ` (and --skip verify.rehearse=REASON where ${previous?.version ?? ''} cannot run any more: it is then not tried whether going back works)`
    : '';
}

/** The version to go back to is the one that serves, and still there, byte for byte. */
export const checkPrevious: PreflightCheck = async ({ home, store }, plan) => {
  const stale = await staleness(store, plan);
  if (stale !== null) return stale;
  const kept = keptVersion(plan);
  return kept === null ? pass('first release: there is no version to go back to') : checkArtifact(home, kept);
};

type Kept = Pick<PreviousVersion, 'version' | 'artifact'>;

/** A plan made for what served before another release ended would start the new version in the slot of this one. */
async function staleness(
  store: Parameters<typeof lastVersion>[0]['store'],
  { service, environment, previous }: Plan,
): Promise<Answer | null> {
  const serving = await lastVersion({ store }, service, environment);
  if (isSameVersion(serving, previous)) return null;
  return fail(
    `the plan was made when ${previous?.version ?? 'nothing'} served, and now ${serving?.version ?? 'nothing'} does`,
    'Start the release again; it is then planned for what serves now.',
  );
}

/** The version whose stored artifact the release relies on: the one to go back to, which for a rollback is the one it brings. */
function keptVersion(plan: Plan): Kept | null {
  if (plan.kind === 'release') return plan.previous;
  const start = plan.steps.find((step) => step.id === 'deploy.start');
  return start === undefined ? null : { version: plan.version, artifact: text(start.input, 'directory') };
}

async function checkArtifact(home: string, { version, artifact }: Kept): Promise<Answer> {
  const folder = join(home, artifact);
  const manifest = await readArtifact(folder);
  if (manifest === null)
    return fail(
      `the artifact of ${version} is gone from ${artifact}`,
      'Build that version again, or accept the risk with --skip preflight.previous=REASON.',
    );
  const changed = await changedFiles(folder, manifest);
  if (changed.length > 0)
    return fail(
      `the artifact of ${version} was changed since it was built: ${changed.slice(0, 3).join(', ')}`,
      'Bring the files back; a changed artifact is not the version that was verified.',
    );
  return pass(`${version} is there with digest ${manifest.digest.slice(0, 12)}`);
}

/** There is a way back, and it is the plan's own. */
export const checkRollback: PreflightCheck = async (_deps, plan) => {
  const finding = plan.findings.find((one) => one.name === 'rollback class' && one.verdict === 'fail');
  if (finding !== undefined) return fail(finding.reason, finding.fix ?? 'Plan the change so that it can be undone.');
  const apply = plan.steps.find((step) => step.kind === 'migrate' && step.skip === null);
  const answer = apply === undefined ? pass('no data changes') : checkDataUndo(plan, plan.undo[apply.id] ?? []);
  return answer.verdict === 'pass' ? pass(`${plan.rollback.story}; ${answer.reason}`) : answer;
};

function checkDataUndo({ findings, steps }: Plan, undo: readonly Step[]): Answer {
  if (findings.some((one) => one.name === 'database' && one.verdict === 'unknown'))
    return unknown(
      'the plan was made without a look into the database, so it knows no way back for its migrations',
      'Start the release again; it is then planned for what the database holds.',
    );
  const backedUp = steps.some((step) => step.kind === 'backup' && step.skip === null);
  if (!backedUp && undo.some((step) => step.kind === 'restore'))
    return fail(
      'the way back restores a backup, and none is taken',
      'Do not skip the backup, or accept that there is no way back with --skip preflight.rollback=REASON.',
    );
  return pass(undo.length > 0 ? 'data comes back by its own undo step' : 'the old version lives with the migrated schema');
}
