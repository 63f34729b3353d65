import { sql } from 'kysely';
import { SlipwayError } from '../kernel/index.ts';
import type { LedgerEntry } from '../evidence/index.ts';
import type { LockOwner, ReleaseEvent, ReleaseSummary, StoredRelease } from '../release/index.ts';
import type { Context } from './context.ts';
import { findRow, ownerOf, summaryOf, type ReleaseRow } from './rows.ts';

export interface Place {
  readonly service?: string;
  readonly environment?: string;
}

/**
 * A release with its whole ledger.
 * @param known what an earlier call answered: only what came since is read
 * @throws SlipwayError `not_found`, `state_corrupt` when events are missing or those known are not the ledger's
 */
export async function load(context: Context, release: string, known?: StoredRelease): Promise<StoredRelease> {
  const from = known?.entries.length ?? 0;
  const { row, added } = await context.session.again(async () => {
    const found = await findRow(context.session.db, release);
    return { row: found, added: found.size === from ? [] : await entriesOf(context, found, from) };
  });
  const entries = [...(known?.entries ?? []), ...added];
  const last = entries.at(-1);
  if (entries.length !== row.size || last?.seq !== row.size - 1 || last.hash !== row.head) {
    throw new SlipwayError('state_corrupt', `The ledger of release ${release} has ${entries.length} events, but ${row.size} were recorded`);
  }
  return { summary: summaryOf(row), events: [...(known?.events ?? []), ...added.map(readEvent)], entries };
}

/** Events are only ever added, so those up to the row's size are the ledger as the row knows it: no transaction needed. */
function entriesOf(context: Context, { id, size }: ReleaseRow, from: number): Promise<readonly LedgerEntry[]> {
  const query = context.session.db.selectFrom('event').select(['seq', 'line', 'hash']).where('release', '=', id);
  return query.where('seq', '>=', from).where('seq', '<', size).orderBy('seq').execute();
}

/** The event of a line; kinds and fields this build does not know stay in it as they are. */
function readEvent(entry: LedgerEntry): ReleaseEvent {
  const { seq, time, type, actor, data } = JSON.parse(entry.line) as {
    seq: number;
    time: string;
    type: string;
    actor: string;
    data: unknown;
  };
  return { seq, time: Date.parse(time), type, actor, data } as ReleaseEvent;
}

/** Newest first. */
export async function list(context: Context, filter: Place & { readonly limit: number }): Promise<readonly ReleaseSummary[]> {
  const rows = await context.session.again(() =>
    inPlace(context, filter).selectAll().orderBy('number', 'desc').limit(filter.limit).execute(),
  );
  return rows.map(summaryOf);
}

function inPlace(context: Context, { service, environment }: Place) {
  let query = context.session.db.selectFrom('release');
  if (service !== undefined) query = query.where('service', '=', service);
  if (environment !== undefined) query = query.where('environment', '=', environment);
  return query;
}

/** The full id for a prefix or `latest`. @throws SlipwayError `not_found`, `ambiguous` */
export async function resolve(context: Context, idOrPrefix: string, filter: Place = {}): Promise<string> {
  const latest = idOrPrefix === 'latest';
  const prefix = idOrPrefix.toLowerCase();
  const query = inPlace(context, filter).select('id').orderBy('number', 'desc');
  const narrowed = latest ? query.limit(1) : query.where(sql<boolean>`starts_with(id, ${prefix})`).limit(6);
  const found = await context.session.again(() => narrowed.execute());
  const exact = found.find(({ id }) => id === prefix) ?? found[0];
  if (exact === undefined || prefix === '') {
    throw new SlipwayError('not_found', latest ? 'There is no release yet' : `No release begins with "${idOrPrefix}"`);
  }
  if (found.length > 1 && exact.id !== prefix) {
    throw new SlipwayError('ambiguous', `"${idOrPrefix}" begins the ids of several releases: ${found.map(({ id }) => id).join(', ')}`);
  }
  return exact.id;
}

/** Who holds a service + environment now. */
export async function lockOf(context: Context, key: string): Promise<LockOwner | null> {
  return context.session.again(() => ownerOf(context.session.db, key));
}

/**
 * The release that put the serving version there: the newest of either kind that ended `released`, or was accepted as it
 * stands while users were on its version.
 */
export async function lastServing(context: Context, service: string, environment: string): Promise<StoredRelease | null> {
  const newest = await context.session.again(() =>
    inPlace(context, { service, environment })
      .select(['id', 'finished_at'])
      .where('outcome', '=', 'released')
      .orderBy('finished_at', 'desc')
      .orderBy('number', 'desc')
      .limit(1)
      .executeTakeFirst(),
  );
  const since = newest?.finished_at ?? new Date(0);
  const accepted = await context.session.again(() =>
    inPlace(context, { service, environment })
      .select('id')
      .where('outcome', '=', 'accepted')
      .where('finished_at', '>=', since)
      .orderBy('finished_at', 'desc')
      .orderBy('number', 'desc')
      .execute(),
  );
  for (const { id } of accepted) {
    const stored = await load(context, id);
    if (leftItServing(stored)) return stored;
  }
  return newest === undefined ? null : load(context, newest.id);
}

function leftItServing({ events }: StoredRelease): boolean {
  const last = events.at(-1);
  return last?.type === 'release.finished' && last.data.serves === 'new';
}

/** How many events a release has. */
export async function sizeOf(context: Context, release: string): Promise<number> {
  return (await context.session.again(() => findRow(context.session.db, release))).size;
}
