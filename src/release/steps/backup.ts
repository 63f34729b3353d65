import { isJsonObject, SlipwayError } from '../../kernel/index.ts';
import {
  chooseMethod,
  createBackup,
  readManifest,
  restoreBackup,
  verifyBackup,
  type BackupManifest,
  type DatabaseAccess,
  type VerifyRequest,
} from '../../database/index.ts';
import { backupFolder } from '../artifact/folders.ts';
import type { StepContext, StepExecutor } from '../ports.ts';
import { chooseBackup, stepBackupTools } from '../backup-tools.ts';
import type { StepDeps } from './deps.ts';

/** Backs the database up by the chosen method; the manifest is written last, so its presence means a complete backup. */
export function backupStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const method = await chooseBackup(database, context.plan.definition, await stepBackupTools(deps, context));
    const { plan, fence, effects, signal } = context;
    const directory = backupFolder(deps.home, plan.release);
    const manifest = await createBackup({ access: database, method, key: plan.release, directory, fence, effects, signal });
    const rows = Object.values(manifest.rows).reduce((sum, count) => sum + count, 0);
    const facts = {
      method: manifest.method,
      bytes: manifest.bytes,
      rows,
      takenAt: manifest.takenAt,
      schemaDigest: manifest.schemaDigest,
      files: manifest.files.map((file) => ({ ...file })),
      location: manifest.location,
    };
    return {
      verdict: 'pass',
      reason: `${manifest.database} is backed up by ${manifest.method}: ${rows} rows in ${Object.keys(manifest.rows).length} tables`,
      facts,
    };
  };
}

/** Only a real restore, compared row by row in number, verifies a backup. */
export function verifyBackupStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const { verdict, reason, compared } = await verifyBackup(await backupOf(deps, context, database));
    return { verdict, reason, facts: { verified: verdict === 'pass', tables: compared.tables, rows: compared.rows } };
  };
}

/** Puts the database back as it was backed up: built beside the live one, compared, then swapped in one transaction. */
export function restoreStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const database = await databaseOf(deps, context);
    const backup = await backupOf(deps, context, database);
    const result = await restoreBackup({ ...backup, key: context.plan.release });
    const { verdict, reason, failedDatabase, notKept } = result;
    return {
      verdict,
      reason,
      retry: verdict === 'unknown',
      facts: { restoredFrom: backup.manifest.takenAt, keptAs: failedDatabase, notKept },
    };
  };
}

/** A way into the service's database, or a refusal that says what is missing. */
export async function databaseOf(deps: StepDeps, { plan }: StepContext): Promise<DatabaseAccess> {
  const database = await deps.databaseFor(plan.workspace, plan.definition);
  if (database === null) throw new SlipwayError('config_invalid', 'The plan needs a database and slipway.yaml names none');
  return database;
}

/** This release's backup, with the method that made it. */
async function backupOf(deps: StepDeps, context: StepContext, access: DatabaseAccess): Promise<VerifyRequest> {
  const directory = backupFolder(deps.home, context.plan.release);
  const manifest = await readManifest(directory);
  refuseAnother(context, manifest, directory);
  const method = await chooseMethod(access, manifest.method, await stepBackupTools(deps, context));
  const { effects, fence, signal } = context;
  return { access, manifest, directory, method, effects, fence, signal };
}

const DIGEST = /^[0-9a-f]{64}$/;

/** The ledger knows the digests of what was taken: whoever changed files and manifest together is found out here. */
function refuseAnother({ plan, events }: StepContext, manifest: BackupManifest, directory: string): void {
  const ids = new Set(plan.steps.filter((step) => step.kind === 'backup').map((step) => step.id));
  const taken = events.findLast((event) => event.type === 'step.finished' && ids.has(event.data.step) && event.data.verdict === 'pass');
  if (taken?.type !== 'step.finished') return;
  const { schemaDigest, files } = taken.data.facts;
  const recorded = [schemaDigest, ...(Array.isArray(files) ? files.map((file) => (isJsonObject(file) ? file['sha256'] : null)) : [])];
  const found = [manifest.schemaDigest, ...manifest.files.map((file) => file.sha256)];
  const differs = recorded.length !== found.length || recorded.some((digest, index) => isDigest(digest) && digest !== found[index]);
  if (!differs) return;
  throw new SlipwayError(
    'state_corrupt',
    `The backup in ${directory} is not the one this release took: its digests differ from the ledger`,
    {
      hint: 'Find out who changed it; bring the folder back from a copy, or go back by hand.',
    },
  );
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && DIGEST.test(value);
}
