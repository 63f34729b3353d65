import { join } from 'node:path';
import { changedFiles, readArtifact } from '../artifact/store.ts';
import type { PreflightCheck } from './preflight.ts';
import { fail, pass } from './answers.ts';

/** The place where software runs answers. */
export const checkTarget: PreflightCheck = async ({ target }, plan) => {
  const groups = await target.list(plan.service, plan.environment);
  return pass(groups.length === 0 ? 'reachable; nothing of this service runs yet' : `reachable; ${groups.map((group) => `${group.spec.version} in ${group.spec.id}`).join(', ')}`);
};

/** A degraded system is repaired first: a release into it can prove nothing. */
export const checkHealth: PreflightCheck = async ({ target }, plan) => {
  if (plan.previous === null) return pass('first release: nothing serves yet');
  const group = await target.inspect(plan.previous.group);
  if (group === null) return fail(`${plan.previous.version} should be running in ${plan.previous.group} and is not`, 'Find out why, or release with --skip preflight.health=REASON.');
  const bad = group.instances.filter((instance) => instance.phase !== 'ready');
  if (bad.length > 0) return fail(`${plan.previous.version} is degraded: ${bad.map((one) => `${one.process}#${one.index} is ${one.phase} (${one.health.reason})`).join('; ')}`, 'Repair it first, or release the repair with --skip preflight.health=REASON.');
  return pass(`${plan.previous.version}: ${group.instances.length} instances are ready`);
};

/** The version to go back to is still there, byte for byte. */
export const checkPrevious: PreflightCheck = async ({ home }, plan) => {
  if (plan.previous === null) return pass('first release: there is no version to go back to');
  const folder = join(home, plan.previous.artifact);
  const manifest = await readArtifact(folder);
  if (manifest === null) return fail(`the artifact of ${plan.previous.version} is gone from ${plan.previous.artifact}`, 'Build that version again, or accept the risk with --skip preflight.previous=REASON.');
  const changed = await changedFiles(folder, manifest);
  if (changed.length > 0) return fail(`the artifact of ${plan.previous.version} was changed since it was built: ${changed.slice(0, 3).join(', ')}`, 'Bring the files back; a changed artifact is not the version that was verified.');
  return pass(`${plan.previous.version} is there with digest ${manifest.digest.slice(0, 12)}`);
};

/** There is a way back, and it is the plan's own. */
export const checkRollback: PreflightCheck = async (_deps, plan) => {
  const apply = plan.steps.find((step) => step.kind === 'migrate' && step.skip === null);
  const finding = plan.findings.find((one) => one.name === 'rollback class' && one.verdict === 'fail');
  if (finding !== undefined) return fail(finding.reason, finding.fix ?? 'Plan the change so that it can be undone.');
  const how = apply === undefined ? 'no data changes' : (plan.undo[apply.id]?.length ?? 0) > 0 ? 'data comes back by its own undo step' : 'the old version lives with the migrated schema';
  return pass(`${plan.rollback.story}; ${how}`);
};
