import type pg from 'pg';
import { SlipwayError, type Verdict } from '../kernel/index.ts';
import { siblingAccess } from './access.ts';
import { compareMeasures } from './core/compare-measures.ts';
import { ADVISORY_KEY, sessionName, takeLock } from './lock.ts';
import { findDamage } from './manifest.ts';
import { measureDatabase } from './measure.ts';
import { databaseExists, dropDatabase, ident, literal, shortKey, siblingOf, whileQuiet, withMaintenance } from './server.ts';
import { copySettings, RESTORED_SETTING, settingsDiffering } from './settings.ts';
import { comparedIn, type Compared, type VerifyRequest } from './verify.ts';

export interface RestoreRequest extends VerifyRequest {
  /** Idempotency key: after a crash the same key finishes the same restore, or finds it done. */
  readonly key: string;
  /** Of the caller's claim; a restore with a lower one is ended by one with a higher. */
  readonly fence: number;
  readonly signal?: AbortSignal;
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

const LOCK_WAIT_MS = 60_000;

/**
 * Puts a backup in the place of the live database. The backup is first restored beside it and compared; then one transaction
 * renames the live database away and the restored one into its place, so at every instant there is exactly one of that name.
 * Sessions of the live database are ended. Writes made since the backup stay in the database that was renamed away.
 * @returns `fail` or `unknown` with the live database untouched when the backup is damaged or differs from its manifest
 * @throws SlipwayError when the server refuses or cannot be reached; the same call again continues
 */
export async function restoreBackup(request: RestoreRequest): Promise<RestoreResult> {
  const { access, key, fence, effects, signal } = request;
  // Taken on the maintenance database: a lock inside the live one would be a session the swap has to end.
  return withMaintenance(access, sessionName('restore', fence, key), async (client) => {
    const wait = {
      purpose: 'restore',
      fence,
      waitMs: LOCK_WAIT_MS,
      clock: effects.clock,
      ...(signal === undefined ? {} : { signal }),
    } as const;
    await takeLock(client, ADVISORY_KEY + BigInt(`0x${shortKey(access, '')}`), wait);
    if (await isSwapped(client, request)) return done(client, request);
    const refusal = await materialise(request);
    if (refusal !== null) {
      await dropDatabase(client, siblingOf(access, 'restore', key));
      return refusal;
    }
    await copySettings(client, access.name, siblingOf(access, 'restore', key));
    effects.faults.at('restore.before-swap');
    if (signal?.aborted === true)
      throw new SlipwayError('release_aborted', 'The restore was cancelled before the swap; the live database is untouched');
    // Ended by a later claim while this worker stood still? Then this fails, and the swap is the other's.
    await client.query('SELECT 1');
    await swap(request);
    effects.faults.at('restore.swapped');
    return done(client, request);
  });
}

/** Drops the database that a restore renamed away. Idempotent. */
export async function discardFailed(access: VerifyRequest['access'], key: string): Promise<void> {
  await withMaintenance(access, 'dropping the failed database', (client) => dropDatabase(client, siblingOf(access, 'failed', key)));
}

/** Fills and compares the database that will take over; null when it may. */
async function materialise({ access, manifest, directory, key, method, effects }: RestoreRequest): Promise<RestoreResult | null> {
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
  const restored = siblingOf(access, 'restore', key);
  effects.faults.at('restore.begun');
  await method.materialise(access, manifest, directory, restored);
  effects.faults.at('restore.materialised');
  const differences = compareMeasures(manifest, await measureDatabase(siblingAccess(access, restored)));
  return differences.length === 0 ? null : untouched('fail', `the restored backup differs from its manifest: ${differences.join('; ')}`);
}

/** ALTER DATABASE ... RENAME is transactional, and so is the setting by which a second run knows that it is done. */
async function swap({ access, key, effects }: RestoreRequest): Promise<void> {
  const [live, restored, failed] = [access.name, siblingOf(access, 'restore', key), siblingOf(access, 'failed', key)];
  await whileQuiet(access, [live, restored], effects.clock, async (client) => {
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
