import { mkdir, statfs } from 'node:fs/promises';
import { SlipwayError } from '../../kernel/index.ts';
import { databaseSize } from '../../database/index.ts';
import { declaredFolder, sourceMigrationStatus } from '../artifact/source.ts';
import type { PreflightCheck } from './preflight.ts';
import { chooseBackup, planningBackupTools } from '../backup-tools.ts';
import { fail, pass, unknown } from './answers.ts';

/** Free space that must remain beside the backup. */
const SPARE_BYTES = 100 * 1024 * 1024;
const NONE = 'the service has no database';

/** The database answers and takes writes. */
export const checkDatabase: PreflightCheck = async ({ databaseFor }, plan) => {
  const database = await databaseFor(plan.workspace, plan.definition);
  if (database === null) return pass(NONE);
  const { bytes, readOnly } = await databaseSize(database);
  if (readOnly)
    return fail(`${database.name} is read-only: a standby, or default_transaction_read_only is on`, 'Point database.url at the primary.');
  return pass(`${database.name} is reachable and writable, ${mib(bytes)}`);
};

/** The folder and the database agree on what was applied, and on what the plan is about to apply. */
export const checkMigrations: PreflightCheck = async ({ databaseFor, home }, plan) => {
  const folder = declaredFolder(plan.definition);
  const database = await databaseFor(plan.workspace, plan.definition);
  if (database === null || folder === null || plan.kind === 'rollback') return pass('no migration files to compare');
  const status = await sourceMigrationStatus({ ...plan, home }, folder, database);
  if (status.partial !== null)
    return fail(
      `${status.partial.name} was cut off after ${status.partial.statement} of ${status.partial.statements} statements`,
      'Releasing again goes on with the next statement: skip this check with --skip preflight.migrations=REASON.',
    );
  if (status.drift.length > 0)
    return fail(
      status.drift.join('; '),
      'Bring the files back to what was applied, and write a new migration for a new change. Where a release that was rolled back left a change behind and this one comes without it, say so with --skip preflight.migrations=REASON.',
    );
  const planned = plan.steps.find((step) => step.kind === 'migrate')?.input['expect'];
  if (planned === null)
    return unknown(
      'the plan was made without a look into the database, so it names no migrations',
      'Start the release again; it is then planned for what the database holds.',
    );
  const expected = Array.isArray(planned) ? planned.length : 0;
  if (expected !== status.pending.length)
    return fail(`the plan has ${expected} migrations, the database misses ${status.pending.length}`, 'Plan the release again.');
  return pass(`${status.applied.length} applied, ${status.pending.length} pending, no drift`);
};

/** A backup can be taken, and restored for the proof. */
export const checkBackup: PreflightCheck = async (deps, plan) => {
  const taken = plan.steps.find((step) => step.kind === 'backup' && step.skip === null);
  const database = await deps.databaseFor(plan.workspace, plan.definition);
  if (database === null) return pass(NONE);
  if (taken === undefined) return pass(plan.steps.find((step) => step.kind === 'backup')?.skip ?? 'no backup is planned');
  const method = await chooseBackup(database, plan.definition, await planningBackupTools(deps, plan.workspace, plan.definition));
  if (!method.capabilities.canVerify)
    return fail(`a backup by ${method.name} cannot be verified here`, 'Give database.backup.restore too, or use pg_dump.');
  return pass(`by ${method.name}, verified by a restore`);
};

/** Room for the backup and its restored copy, where one is taken. */
export const checkDisk: PreflightCheck = async ({ databaseFor, home }, plan) => {
  const backedUp = plan.steps.some((step) => step.kind === 'backup' && step.skip === null);
  const database = !backedUp
    ? null
    : await databaseFor(plan.workspace, plan.definition).catch((error: unknown) => {
        if (error instanceof SlipwayError) return null;
        throw error;
      });
  await mkdir(home, { recursive: true });
  const { bavail, bsize } = await statfs(home);
  const free = bavail * bsize;
  const needed = SPARE_BYTES + (database === null ? 0 : 2 * (await databaseSize(database)).bytes);
  // A full disk may be the very reason for going back.
  if (plan.kind === 'rollback') return pass(`${mib(free)} free; going back needs no room to speak of`);
  if (free < needed)
    return fail(
      `${mib(free)} are free, ${mib(needed)} are needed${backedUp ? ' for the backup and its restored copy' : ''}`,
      'Free space, or move SLIPWAY_HOME.',
    );
  return pass(`${mib(free)} free, ${mib(needed)} needed`);
};

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
