import type pg from 'pg';
import type { Clock } from '../../kernel/index.ts';
import { LOCK_MODES } from '../core/lint/measured-facts.ts';
import { ident } from '../server.ts';
import type { Held, Relations } from './observe.ts';

/** A statement that cannot be in a transaction, watched from another session. */
export interface Watched {
  /** Locks it held or asked for, whichever moment they were seen at. */
  readonly locks: readonly Held[];
  /** False where it was over before anybody saw it hold something. */
  readonly seen: boolean;
  /** Without the time it was made to wait. */
  readonly tookMs: number;
}

const LOOK_MS = 2;

/**
 * Runs a statement whose locks are gone when it is over: another session holds the tables as a writer does, so that the statement has to wait
 * in the middle of its work, and looks what it holds and asks for. Then it lets go.
 * @param aside a session of its own, in no transaction
 */
export async function watchAlone(
  { client, aside, clock }: { readonly client: pg.Client; readonly aside: pg.Client; readonly clock: Clock },
  { known, gentle }: { readonly known: Relations; readonly gentle: boolean },
  run: () => Promise<unknown>,
): Promise<Watched> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  // VACUUM does not wait for writers; what it would wait for is another one of its kind.
  const held = await hold(aside, known, gentle ? 'SHARE UPDATE EXCLUSIVE' : 'ROW EXCLUSIVE');
  const since = clock.monotonic();
  const over = new AbortController();
  if (!held) over.abort();
  const running = run().finally(() => over.abort());
  // Its answer is awaited below; until then nobody listens to a refusal.
  running.catch(() => undefined);
  const locks = new Map<string, Held>();
  let waitedMs = 0;
  try {
    while (!over.signal.aborted) {
      const look = await lookAt(aside, pid);
      for (const one of look.locks) locks.set(`${one.oid} ${one.mode}`, one);
      // Between its next steps it may take others: what a look meets is told, too.
      if (look.waits && waitedMs === 0) {
        waitedMs = clock.monotonic() - since;
        await aside.query('ROLLBACK');
      }
      await clock.sleep(LOOK_MS);
    }
  } finally {
    await aside.query('ROLLBACK').catch(() => undefined);
    await running;
  }
  const found = [...locks.values()];
  return { locks: found, seen: found.some(({ oid }) => known.has(oid)), tookMs: Math.max(0, clock.monotonic() - since - waitedMs) };
}

/** False where there is nothing to hold. */
async function hold(aside: pg.Client, known: Relations, mode: string): Promise<boolean> {
  const tables = [...known.values()].filter(({ lockable }) => lockable).map(({ full }) => full.map(ident).join('.'));
  if (tables.length === 0) return false;
  await aside.query(`BEGIN; LOCK TABLE ${tables.join(', ')} IN ${mode} MODE`);
  return true;
}

async function lookAt(aside: pg.Client, pid: number): Promise<{ readonly locks: readonly Held[]; readonly waits: boolean }> {
  const { rows } = await aside.query<{ oid: number; mode: string; waits: boolean }>(
    `SELECT coalesce(l.relation, 0)::int8::float8 AS oid, coalesce(l.mode, '') AS mode, coalesce(a.wait_event_type = 'Lock', false) AS waits
     FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'relation' WHERE a.pid = $1`,
    [pid],
  );
  const locks = rows.flatMap(({ oid, mode }) => {
    const name = LOCK_MODES.find((one) => one.replaceAll(' ', '') === mode.replace(/Lock$/, '').toUpperCase());
    return name === undefined ? [] : [{ oid, mode: name }];
  });
  return { locks, waits: rows[0]?.waits ?? false };
}
