import { sql, type Selectable } from 'kysely';
import { SlipwayError } from '../kernel/index.ts';
import type { Claim, LockOwner, ReleaseStatus, ReleaseSummary } from '../release/index.ts';
import { statusOf } from './core/status.ts';
import type { LockTable, ReleaseTable } from './schema.ts';
import type { Db, Trx } from './session.ts';

export type ReleaseRow = Selectable<ReleaseTable>;

/** The lock's key of a service in an environment. */
export function lockKey(place: { readonly service: string; readonly environment: string }): string {
  return `${place.service}/${place.environment}`;
}

/**
 * Waits for the right to change who holds a key, until the end of the transaction.
 * Order of all locks, so that no two transactions wait for each other: first this, then rows of releases.
 */
export async function guardKey(trx: Trx, key: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`slipway lock ${key}`}, 0))`.execute(trx);
}

/** The release's row, locked until the end of the transaction. */
export async function lockRow(trx: Trx, release: string): Promise<ReleaseRow> {
  const row = await trx.selectFrom('release').selectAll().where('id', '=', release).forUpdate().executeTakeFirst();
  return row ?? refuseUnknown(release);
}

/** The release's row as it is. */
export async function findRow(db: Db | Trx, release: string): Promise<ReleaseRow> {
  const row = await db.selectFrom('release').selectAll().where('id', '=', release).executeTakeFirst();
  return row ?? refuseUnknown(release);
}

function refuseUnknown(release: string): never {
  throw new SlipwayError('not_found', `There is no release ${release}`);
}

/** Does the claim still hold? A later claim has a greater fence; a claim given back has no driver. */
export function holds(row: ReleaseRow, claim: Claim): boolean {
  return Number(row.fence) === claim.fence && row.driver_id === claim.driver;
}

/** The locked row of a release the caller drives. @throws SlipwayError `fenced` */
export async function lockClaimed(trx: Trx, claim: Claim): Promise<ReleaseRow> {
  const row = await lockRow(trx, claim.release);
  if (holds(row, claim)) return row;
  const now = row.driver_id === null ? 'the claim was given back' : `${row.driver_id} on ${row.driver_host} drives it now`;
  throw new SlipwayError('fenced', `Release ${claim.release} is no longer driven by ${claim.driver}: ${now}`);
}

/** The row as `slipway list` shows it. */
export function summaryOf(row: ReleaseRow): ReleaseSummary {
  return {
    release: row.id,
    kind: row.kind as ReleaseSummary['kind'],
    service: row.service,
    environment: row.environment,
    version: row.version,
    status: statusOf(row.progress, row.driver_id === null) as ReleaseStatus,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.getTime(),
    finishedAt: row.finished_at?.getTime() ?? null,
    driver: row.driver_id,
    leaseUntil: row.lease_until?.getTime() ?? null,
    sealed: row.sealed !== null,
    unsealedBecause: row.unsealed_because,
  };
}

/** Who holds a key; null when nobody does. */
export async function ownerOf(db: Db | Trx, key: string): Promise<LockOwner | null> {
  const row = await db
    .selectFrom('lock')
    .innerJoin('release', 'release.id', 'lock.release')
    .select(['lock.release', 'lock.owner', 'lock.host', 'lock.since', 'release.version', 'release.progress', 'release.driver_id'])
    .where('lock.key', '=', key)
    .executeTakeFirst();
  return row === undefined
    ? null
    : {
        release: row.release,
        version: row.version,
        status: statusOf(row.progress, row.driver_id === null) as ReleaseStatus,
        owner: row.owner,
        host: row.host,
        since: row.since.getTime(),
      };
}

/** Writes a new holder of a free key. */
export async function takeKey(trx: Trx, holder: Selectable<LockTable>): Promise<void> {
  await trx.insertInto('lock').values(holder).execute();
}
