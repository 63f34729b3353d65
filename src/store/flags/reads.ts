import { sql } from 'kysely';
import type { Flag, FlagChange, HistoryQuery, Segment, StoredFlags } from '../../flags/index.ts';
import type { Instant } from '../../kernel/index.ts';
import type { Session } from '../session.ts';
import { changeOf } from './once.ts';
import { HISTORY } from './histories.ts';

/** So many changes are offered one by one; who missed more is better served with the whole. */
const MOST_DELTAS = 1_000;

type Row<T> = readonly [key: string, revision: number, definition: T];

interface Whole {
  readonly seq: number;
  readonly history: string;
  readonly flags: readonly Row<Flag>[];
  readonly segments: readonly Row<Segment>[];
}

/** Everything of an environment, in one statement and so of one moment. */
export async function readFlags({ db, again }: Session, environment: string): Promise<StoredFlags> {
  const rows = (table: string) =>
    sql`(select coalesce(json_agg(json_build_array(key, revision, definition) order by key), '[]') from ${sql.table(`slipway.${table}`)} where environment = e.name)`;
  const query = sql<Whole>`select e.seq, ${HISTORY} as history, ${rows('flag')} as flags, ${rows('flag_segment')} as segments from slipway.flag_environment e where e.name = ${environment}`;
  const { rows: found } = await again(() => query.execute(db));
  const { seq, history, flags, segments } = found[0] ?? { seq: 0, history: '', flags: [], segments: [] };
  return {
    set: { format: 1, environment, seq, flags: definitions(flags), segments: definitions(segments) },
    history,
    flagRevisions: new Map(flags.map(([key, revision]) => [key, revision])),
    segmentRevisions: new Map(segments.map(([key, revision]) => [key, revision])),
  };
}

function definitions<T>(rows: readonly Row<T>[]): Readonly<Record<string, T>> {
  return Object.fromEntries(rows.map(([key, , definition]) => [key, definition]));
}

/** In alphabetical order. */
export async function environmentsOf({ db, again }: Session): Promise<readonly string[]> {
  const rows = await again(() => db.selectFrom('flag_environment').select('name').orderBy('name').execute());
  return rows.map(({ name }) => name);
}

/** The newest change of each environment. */
export async function newestOf({ db, again }: Session): Promise<ReadonlyMap<string, number>> {
  const rows = await again(() => db.selectFrom('flag_environment').select(['name', 'seq']).execute());
  return new Map(rows.map(({ name, seq }) => [name, seq]));
}

/**
 * Changes after `seq`, oldest first, without a gap. Null when they are too many to be offered, and for a `seq` that the environment
 * has not reached, or of another history: whoever has that (from before a backup was restored) needs the whole.
 */
export async function changesSince(
  { db, again }: Session,
  environment: string,
  seq: number,
  known: string | null,
): Promise<readonly FlagChange[] | null> {
  const query = sql<Pick<Whole, 'seq' | 'history'>>`
    select e.seq, ${HISTORY} as history from slipway.flag_environment e where e.name = ${environment}`;
  const { seq: newest, history } = (await again(() => query.execute(db))).rows[0] ?? { seq: 0, history: '' };
  if (known !== null && known !== history) return null;
  if (newest === seq) return [];
  if (seq > newest || newest - seq > MOST_DELTAS) return null;
  const rows = await again(() =>
    db
      .selectFrom('flag_change')
      .selectAll()
      .where('environment', '=', environment)
      .where('seq', '>', seq)
      .where('seq', '<=', newest)
      .orderBy('seq')
      .execute(),
  );
  return rows.length === newest - seq ? rows.map(changeOf) : null;
}

/** Newest first. */
export async function historyOf({ db, again }: Session, environment: string, query: HistoryQuery): Promise<readonly FlagChange[]> {
  const { key, before, limit } = query;
  let select = db.selectFrom('flag_change').selectAll().where('environment', '=', environment);
  if (key !== undefined) select = select.where(sql<boolean>`keys @> array[${key}]::text[]`);
  if (before !== undefined) select = select.where('seq', '<', before);
  const rows = await again(() => select.orderBy('seq', 'desc').limit(limit).execute());
  return rows.map(changeOf);
}

/** Newest first, each change once: one of thousands of flags is long. */
export async function newestOfKeys(
  { db, again }: Session,
  environment: string,
  keys: readonly string[],
  each: number,
): Promise<readonly FlagChange[]> {
  const seqs = sql<number>`(
    select newest.seq from unnest(${[...keys]}::text[]) as wanted (key), lateral (
      select c.seq from slipway.flag_change c where c.environment = ${environment} and c.keys @> array[wanted.key]
      order by c.seq desc limit ${each}
    ) as newest)`;
  const select = db.selectFrom('flag_change').selectAll().where('environment', '=', environment).where('seq', 'in', seqs);
  return (await again(() => select.orderBy('seq', 'desc').execute())).map(changeOf);
}

/** The time by the database's clock. */
export async function storeTime({ db, again }: Session): Promise<Instant> {
  const { rows } = await again(() => sql<{ readonly now: Date }>`select clock_timestamp() as now`.execute(db));
  const [row] = rows;
  if (row === undefined) throw new Error('PostgreSQL did not say what time it is');
  return row.now.getTime();
}
