import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { readManifest, restoreBackup, verifyBackup, type BackupManifest, type DatabaseAccess } from '../../database/index.ts';
import { backupFolder } from '../artifact/folders.ts';
import type { StepContext, StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';

/** Backs the database up by the chosen method; the manifest is written last, so its presence means a complete backup. */
export function backupStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const method = await deps.backupMethodFor(database, context.plan.definition);
    const manifest = await method.create(database, context.plan.release, backupFolder(deps.home, context.plan.release));
    const rows = Object.values(manifest.rows).reduce((sum, count) => sum + count, 0);
    const facts = { method: manifest.method, bytes: manifest.bytes, rows, takenAt: manifest.takenAt, schemaDigest: manifest.schemaDigest, files: manifest.files.map((file) => ({ ...file })), location: manifest.location };
    return { verdict: 'pass', reason: `${manifest.database} is backed up by ${manifest.method}: ${rows} rows in ${Object.keys(manifest.rows).length} tables`, facts };
  };
}

/** Only a real restore, compared row by row in number, verifies a backup. */
export function verifyBackupStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const { folder, manifest, method } = await backupOf(deps, context, database);
    const { verdict, reason, compared } = await verifyBackup({ access: database, method, manifest, directory: folder, effects: context.effects });
    return { verdict, reason, facts: { verified: verdict === 'pass', ...compared } };
  };
}

/** Puts the database back as it was backed up: built beside the live one, compared, then swapped in one transaction. */
export function restoreStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const { folder, manifest, method } = await backupOf(deps, context, database);
    const { verdict, reason, failedDatabase } = await restoreBackup({ access: database, method, manifest, directory: folder, key: context.plan.release, effects: context.effects });
    return { verdict, reason, retry: verdict === 'unknown', facts: { restoredFrom: manifest.takenAt, keptAs: failedDatabase } };
  };
}

/** A way into the service's database, or a refusal that says what is missing. */
export async function databaseOf(deps: StepDeps, { plan }: StepContext): Promise<DatabaseAccess> {
  const database = await deps.databaseFor(plan.workspace, plan.definition);
  if (database === null) throw new SlipwayError('config_invalid', 'The plan needs a database and slipway.yaml names none');
  return database;
}

async function backupOf(deps: StepDeps, { plan }: StepContext, database: DatabaseAccess): Promise<{ readonly folder: string; readonly manifest: BackupManifest; readonly method: Awaited<ReturnType<StepDeps['backupMethodFor']>> }> {
  const folder = backupFolder(deps.home, plan.release);
  return { folder: join(folder), manifest: await readManifest(folder), method: await deps.backupMethodFor(database, plan.definition) };
}
