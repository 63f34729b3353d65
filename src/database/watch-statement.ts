import type { MigrationSession } from './session.ts';

/** A statement that still runs is told of again and again, so that nobody takes it for dead. */
const EVERY_MS = 5_000;

type Report = (line: string) => void;

/** While a statement runs: whom it waits for, and how far the building of an index has come. Ends when `done` aborts. */
export async function watchStatement(session: MigrationSession, pid: number, done: AbortSignal, report: Report): Promise<void> {
  const { clock } = session.request.effects;
  await clock.sleep(session.lockTimeoutMs / 2, done);
  for (; !done.aborted; await clock.sleep(EVERY_MS, done)) {
    await tellBlockers(session, pid, report);
    if (!done.aborted) await tellProgress(session, pid, report);
  }
}

async function tellBlockers({ control }: MigrationSession, pid: number, report: Report): Promise<void> {
  const answer = await control
    .query<{ pid: number; name: string; state: string | null; age: string | null }>(
      `SELECT a.pid, a.application_name AS name, a.state, round(extract(epoch FROM clock_timestamp() - a.xact_start), 1)::text AS age
       FROM unnest(pg_blocking_pids($1)) b JOIN pg_stat_activity a ON a.pid = b LIMIT 3`,
      [pid],
    )
    .catch(() => null);
  for (const row of answer?.rows ?? []) {
    report(
      `waiting for a lock held by process ${row.pid} of the server (${row.name === '' ? 'unnamed' : row.name}, ${row.state ?? 'state hidden'}, in its transaction for ${row.age ?? '?'} s)`,
    );
  }
}

interface IndexProgress {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly waited: number;
  readonly waiting: number;
}

/** Phases that read the table count its blocks, those that wait count the transactions they wait for. */
async function tellProgress({ control }: MigrationSession, pid: number, report: Report): Promise<void> {
  const answer = await control
    .query<IndexProgress>(
      `SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END::float8 AS done,
         CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END::float8 AS total,
         lockers_done::float8 AS waited, lockers_total::float8 AS waiting
       FROM pg_stat_progress_create_index WHERE pid = $1`,
      [pid],
    )
    .catch(() => null);
  const [row] = answer?.rows ?? [];
  if (row === undefined) return;
  const far = row.total > 0 ? `, ${Math.floor((row.done / row.total) * 100)} %` : '';
  const waits = row.waiting > row.waited ? `, waits for ${row.waiting - row.waited} transactions` : '';
  report(`index: ${row.phase}${far}${waits}`);
}
