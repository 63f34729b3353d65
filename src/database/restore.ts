import type pg from 'pg';
import type { Clock, Verdict } from '../kernel/index.ts';
import { compareMeasures } from './core/compare-measures.ts';
import { claimFence, ensureHistory } from './history.ts';
import { withHold } from './hold.ts';
import { findDamage } from './manifest.ts';
import { measureDatabase } from './measure.ts';
import type { DatabaseAccess, Hold } from './ports.ts';
import { databaseExists, dropSiblings, ident, literal, shortKey, siblingOf, whileQuiet } from './server.ts';
import { copySettings, RESTORED_SETTING, settingsDiffering } from './settings.ts';
import { comparedIn, type Compared, type VerifyRequest } from './verify.ts';

export interface RestoreRequest extends VerifyRequest {
  /** Idempotency key: after a crash the same key finishes the same restore, or finds it done. */
  readonly key: string;
}

export interface RestoreResult {
  readonly verdict: Verdict;
  readonly reason: string;
  /** Where the database as it was before is kept for inspection, until {@link discardFailed}; null when nothing was swapped or it was discarded. */
  readonly failedDatabase: string | null;
  readonly compared: Compared;
  /** What belonged to the old database and could not be given to the restored one. */
  readonly notKept: readonly string[];
}

/**
 * Puts a backup in the place of the live database. The backup is first restored beside it and compared; then one transaction
 * renames the live database away and the restored one into its place, so at every instant there is exactly one of that name.
 * Sessions of the live database are ended. Writes made since the backup stay in the database that was renamed away.
 * @returns `fail` or `unknown` with the live database untouched when the backup is damaged or differs from its manifest
 * @throws SlipwayError when the server refuses or cannot be reached; the same call again continues
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoreResult> {
  const { effects } = request;
  return withHold({ ...request, purpose: 'restore', clock: effects.clock }, (hold) =>
    hold.session('restoring the backup', (client) => restore(request, hold, client)),
  );
}

async function restore(request: RestoreRequest, hold: Hold, client: pg.Client): Promise<RestoreResult> {
  const { access, key, effects, fence } = request;
  await dropSiblings(client, access, { purpose: 'restore', key });
  if (await isSwapped(client, request)) return done(client, request);
  const refusal = await materialise(request, hold);
  if (refusal !== null) {
    await dropSiblings(client, access, { purpose: 'restore', key });
    return refusal;
  }
  const restored = siblingOf(access, 'restore', key, fence);
  await copySettings(client, access.name, restored);
  await hold.session('raising the fence of migrations', (session) => raiseFence(session, fence), restored);
  effects.faults.at('restore.before-swap');
  await swap(request, hold);
  effects.faults.at('restore.swapped');
  return done(client, request);
}

/** What a restore renamed away, and by which keys it was. */
export interface FailedRequest {
  readonly access: DatabaseAccess;
  readonly keys: readonly string[];
  readonly fence: number;
  /** As of {@link RestoreRequest}. */
  readonly directory: string;
  readonly clock: Clock;
}

/** Drops databases that restores renamed away, except one that somebody is connected to. Idempotent. @throws SlipwayError `fenced`, `locked` */
export async function discardFailed({ access, keys, ...rest }: FailedRequest): Promise<void> {
  const names = keys.map((key) => siblingOf(access, 'failed', key));
  await withHold({ ...rest, access, purpose: 'restore', key: 'tidy' }, (hold) =>
    hold.session('dropping failed databases', async (client) => {
      const { rows } = await client.query<{ name: string }>(
        'SELECT datname AS name FROM pg_database WHERE datname = ANY($1) AND NOT EXISTS (SELECT 1 FROM pg_stat_activity a WHERE a.datname = pg_database.datname)',
        [names],
      );
      for (const { name } of rows) await client.query(`DROP DATABASE IF EXISTS ${ident(name)}`);
    }),
  );
}

/** The backup remembers an old fence: a worker that slept since before the migration could migrate what was just restored. */
async function raiseFence(client: pg.Client, fence: number): Promise<void> {
  await ensureHistory(client);
  await claimFence(client, fence);
}

/** Fills and compares the database that will take over; null when it may. */
async function materialise(request: RestoreRequest, hold: Hold): Promise<RestoreResult | null> {
  const { access, manifest, directory, key, method, effects } = request;
  const untouched = (verdict: Verdict, reason: string): RestoreResult => ({
    verdict,
    reason: `${reason}; the live database is untouched`,
    failedDatabase: null,
    compared: { tables: 0, rows: 0 },
    notKept: [],
  });
  if (method.name !== manifest.method) return untouched('unknown', `the backup was made by ${manifest.method}, not by ${method.name}`);
  if (!method.capabilities.canVerify) return untouched('unknown', 'the backup command has no restore command, so a person must restore it');
  const damage = await findDamage(directory, manifest);
  if (damage !== null) return untouched('fail', damage);
  const restored = siblingOf(access, 'restore', key, hold.fence);
  effects.faults.at('restore.begun');
  await method.materialise(hold, manifest, directory, restored);
  effects.faults.at('restore.materialised');
  const differences = compareMeasures(manifest, await measureDatabase(hold, restored, manifest.schema));
  return differences.length === 0 ? null : untouched('fail', `the restored backup differs from its manifest: ${differences.join('; ')}`);
}

/** ALTER DATABASE ... RENAME is transactional, and so is the setting by which a second run knows that it is done. */
async function swap({ access, key, effects }: RestoreRequest, hold: Hold): Promise<void> {
  const [live, restored, failed] = [access.name, siblingOf(access, 'restore', key, hold.fence), siblingOf(access, 'failed', key)];
  await whileQuiet(hold, [live, restored], async (client) => {
    try {
      await client.query('BEGIN');
      // A worker frozen in here would keep everybody out of the database.
      await client.query(`SET LOCAL idle_in_transaction_session_timeout = '10s'`);
      await client.query(`ALTER DATABASE ${ident(live)} RENAME TO ${ident(failed)}`);
      await client.query(`ALTER DATABASE ${ident(restored)} RENAME TO ${ident(live)}`);
      await client.query(`ALTER DATABASE ${ident(live)} SET ${RESTORED_SETTING} = ${literal(shortKey(access, key))}`);
      effects.faults.at('restore.before-commit');
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  });
}

async function isSwapped(client: pg.Client, { access, key }: RestoreRequest): Promise<boolean> {
  if (await databaseExists(client, siblingOf(access, 'failed', key))) return true;
  const { rows } = await client.query(
    'SELECT 1 FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = $1 AND s.setrole = 0 AND $2 = ANY(s.setconfig)',
    [access.name, `${RESTORED_SETTING}=${shortKey(access, key)}`],
  );
  return rows.length > 0;
}

/** Read from the server, so the first answer and a repeated one are the same. */
async function done(client: pg.Client, { access, manifest, key }: RestoreRequest): Promise<RestoreResult> {
  const failed = siblingOf(access, 'failed', key);
  const kept = await databaseExists(client, failed);
  const compared = comparedIn(manifest);
  return {
    verdict: 'pass',
    reason: `${access.name} is as it was at ${manifest.takenAt} (${compared.tables} tables, ${compared.rows} rows)`,
    failedDatabase: kept ? failed : null,
    compared,
    notKept: kept ? await settingsDiffering(client, failed, access.name) : [],
  };
}
