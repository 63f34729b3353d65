import type pg from 'pg';
import type { Instant } from '../../kernel/index.ts';
import { serverError } from '../errors.ts';
import { watched, type Watched } from '../core/old-shape/watch.ts';

/**
 * Counters met before, so that what moved since can be told. They are kept in the database they are about: whoever asks next, from
 * any machine, finds them.
 */
const DDL = `CREATE SCHEMA IF NOT EXISTS slipway_history;
CREATE TABLE IF NOT EXISTS slipway_history.watched_counter (
  subject text NOT NULL, counter text NOT NULL, value float8 NOT NULL, first_at timestamptz NOT NULL, moved_at timestamptz, PRIMARY KEY (subject, counter))`;

/** Values of counters by name, and what is to be forgotten because it counts anew. */
export interface Look {
  readonly subject: string;
  readonly counters: ReadonlyMap<string, number>;
  /** A text that changes when all counters of the subject begin at zero; null where there is none. */
  readonly epoch: number | null;
  /** False: what was known is forgotten, and the next look is the first. */
  readonly remember: boolean;
  /** A known counter that is no longer there was reset: it moved. Its value is then the negative of its last one. */
  readonly vanishes?: true;
}

const EPOCH = 'epoch';
const MISSING_RIGHT = new Set(['42501', '25006']);

/**
 * Remembers the counters of a subject and says since when each of them stands still. A counter that appears after the first look was
 * at zero until then.
 * @returns null when this user may not keep anything in the database
 */
export async function watchCounters(
  client: pg.Client,
  { subject, counters, epoch, remember, vanishes }: Look,
): Promise<ReadonlyMap<string, Watched> | null> {
  try {
    await client.query(`BEGIN; ${DDL}`);
    // Two that look at once must not both be the first.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('slipway watch ' || $1, 0))`, [subject]);
    const now = await serverNow(client);
    const known = await readKnown(client, { subject, epoch, remember });
    const first = known.get(EPOCH);
    const looked = new Map(
      [...counters, [EPOCH, epoch ?? 0] as const].map(([name, value]) => {
        const before = known.get(name) ?? (first === undefined ? null : { value: 0, firstAt: first.firstAt, movedAt: null });
        return [name, watched(before, value, now)] as const;
      }),
    );
    const gone = vanishes === true ? [...known].filter(([name]) => !looked.has(name)) : [];
    for (const [name, before] of gone) looked.set(name, watched(before, -Math.abs(before.value), now));
    if (remember) await keep(client, subject, looked);
    await client.query('COMMIT');
    return looked;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (MISSING_RIGHT.has(serverError(error)?.code ?? '')) return null;
    throw error;
  }
}

/** The server's time. */
export async function serverNow(client: pg.Client): Promise<Instant> {
  const { rows } = await client.query<{ now: number }>('SELECT round(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now');
  const [row] = rows;
  if (row === undefined) throw new Error('a SELECT without FROM answered no row');
  return row.now;
}

/** What was known of a subject; after its counters were reset, or when it is not to be kept, that says nothing of what they count now. */
async function readKnown(
  client: pg.Client,
  { subject, epoch, remember }: Pick<Look, 'subject' | 'epoch' | 'remember'>,
): Promise<ReadonlyMap<string, Watched>> {
  const { rows } = await client.query<{ counter: string } & Watched>(
    `SELECT counter, value, round(extract(epoch FROM first_at) * 1000)::float8 AS "firstAt", round(extract(epoch FROM moved_at) * 1000)::float8 AS "movedAt"
     FROM slipway_history.watched_counter WHERE subject = $1`,
    [subject],
  );
  const known = new Map(rows.map(({ counter, value, firstAt, movedAt }) => [counter, { value, firstAt, movedAt }] as const));
  if (remember && known.get(EPOCH)?.value === (epoch ?? 0)) return known;
  await client.query('DELETE FROM slipway_history.watched_counter WHERE subject = $1', [subject]);
  return new Map();
}

async function keep(client: pg.Client, subject: string, looked: ReadonlyMap<string, Watched>): Promise<void> {
  const all = [...looked];
  await client.query(
    `INSERT INTO slipway_history.watched_counter (subject, counter, value, first_at, moved_at)
     SELECT $1, c, v, to_timestamp(f / 1000), to_timestamp(m / 1000) FROM unnest($2::text[], $3::float8[], $4::float8[], $5::float8[]) AS t (c, v, f, m)
     ON CONFLICT (subject, counter) DO UPDATE SET value = EXCLUDED.value, first_at = EXCLUDED.first_at, moved_at = EXCLUDED.moved_at`,
    [
      subject,
      all.map(([name]) => name),
      all.map(([, { value }]) => value),
      all.map(([, { firstAt }]) => firstAt),
      all.map(([, { movedAt }]) => movedAt),
    ],
  );
}
