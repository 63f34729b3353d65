import type pg from 'pg';
import type { Clock, Duration } from '../../kernel/index.ts';
import type { Trial } from '../core/backfill/forecast.ts';
import { boundaryQuery, changeQuery, claimQuery, stillQuery, type Key } from '../core/backfill/sql.ts';
import { QUOTES_ROWS, serverError } from '../errors.ts';
import { changeByFunction } from './function.ts';
import type { BatchWork } from './batch.ts';

/** About as many as a batch has. */
const ROWS = 125;
/** The first rows pay for plans and pages that all later ones share, so they do not count where there are more. */
const ROUNDS = 4;
const ANSWERS = 5;
/** Rows looked at for some that need work. */
const SCAN = 50_000;
const WITHIN_MS = 10_000;

type Trying = Omit<BatchWork, 'range' | 'sparing'> & { readonly clock: Clock };

/** Changes a few rows in a transaction that is taken back, and measures. Leaves dead rows behind, as any change that is taken back does. */
export async function runTrial(client: pg.Client, work: Trying): Promise<Trial> {
  const { definition, walk } = work;
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = ${Math.ceil(definition.limits.lockTimeoutMs)}; SET LOCAL statement_timeout = ${WITHIN_MS}`,
  );
  try {
    const boundary = boundaryQuery(walk, { after: null, until: null }, SCAN);
    const until = (await client.query<{ key: Key }>({ text: boundary.text, values: [...boundary.values] })).rows[0]?.key ?? null;
    const answerMs = await leastAnswer(client, work.clock);
    let trial: Trial = { rows: 0, rowMs: null, answerMs, rowWalBytes: null, refused: 0, stays: false };
    for (let [round, after]: [number, Key | null] = [0, null]; round < ROUNDS; round++) {
      const { keys, claimedMs } = await claim(client, work, { after, until });
      if (keys.length === 0) break;
      const { servedMs, walBytes, refused } = await tryRows(client, work, keys);
      const written = keys.filter((key) => !refused.has(key));
      // A batch of `set` claims nothing unless somebody holds its rows.
      const ms = servedMs + (definition.change.kind === 'set' ? 0 : claimedMs);
      trial = {
        ...withRound(trial, round, { rows: written.length, servedMs: ms, walBytes }),
        refused: trial.refused + refused.size,
        stays: trial.stays || (await isStill(client, work, written)),
      };
      after = keys.at(-1) ?? null;
    }
    return trial;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

async function leastAnswer(client: pg.Client, clock: Clock): Promise<Duration> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < ANSWERS; time++) {
    const since = clock.monotonic();
    await client.query('SELECT');
    least = Math.min(least, clock.monotonic() - since);
  }
  return least;
}

async function claim(
  client: pg.Client,
  { definition, walk, clock }: Trying,
  span: { readonly after: Key | null; readonly until: Key | null },
): Promise<{ readonly keys: readonly Key[]; readonly claimedMs: Duration }> {
  const { text, values } = claimQuery(walk, span, { where: definition.where, quarantine: null });
  const limited = text.replace(' FOR NO KEY UPDATE', ` LIMIT ${ROWS} FOR NO KEY UPDATE`);
  const since = clock.monotonic();
  const { rows } = await client.query<{ key: Key }>({ text: limited, values: [...values] });
  return { keys: rows.map(({ key }) => key), claimedMs: clock.monotonic() - since };
}

/** What rows cost. */
interface Cost {
  /** The server's own time where it tells, or as measured here. */
  readonly servedMs: Duration;
  readonly walBytes: number | null;
}

/** Of several rounds the quickest was in nobody's way. */
function withRound(trial: Trial, round: number, { rows, servedMs, walBytes }: Cost & { readonly rows: number }): Trial {
  if (rows === 0) return trial;
  const now = servedMs / rows;
  const rowMs = round <= 1 || trial.rowMs === null ? now : Math.min(trial.rowMs, now);
  return { ...trial, rows: trial.rows + rows, rowMs, rowWalBytes: walBytes === null ? null : walBytes / rows };
}

interface Tried extends Cost {
  readonly refused: ReadonlySet<Key>;
}

/** All at once; where the server refuses the data of one, each on its own, as the run would set it aside. */
async function tryRows(client: pg.Client, work: Trying, keys: readonly Key[]): Promise<Tried> {
  const all = await tryOnce(client, work, keys);
  if (all !== 'refused') return { ...all, refused: new Set() };
  const refused = new Set<Key>();
  let servedMs = 0;
  for (const key of keys) {
    const one = await tryOnce(client, work, [key]);
    if (one === 'refused') refused.add(key);
    else servedMs += one.servedMs;
  }
  return { servedMs, walBytes: null, refused };
}

async function tryOnce(client: pg.Client, work: Trying, keys: readonly Key[]): Promise<Cost | 'refused'> {
  await client.query('SAVEPOINT tried');
  try {
    const cost = await changeMeasured(client, work, keys);
    await client.query('RELEASE tried');
    return cost;
  } catch (error) {
    if (!QUOTES_ROWS.test(serverError(error)?.code ?? '')) throw error;
    await client.query('ROLLBACK TO tried');
    return 'refused';
  }
}

async function isStill(
  client: pg.Client,
  { definition, walk }: Pick<BatchWork, 'definition' | 'walk'>,
  keys: readonly Key[],
): Promise<boolean> {
  if (keys.length === 0) return false;
  const { text, values } = stillQuery(walk, definition.where, keys);
  return (await client.query({ text, values: [...values] })).rows.length > 0;
}

interface Explained {
  readonly 'QUERY PLAN': readonly {
    readonly Plan: { readonly 'WAL Bytes'?: number };
    readonly 'Planning Time': Duration;
    readonly 'Execution Time': Duration;
  }[];
}

async function changeMeasured(client: pg.Client, { definition, walk, compute, clock }: Trying, keys: readonly Key[]): Promise<Cost> {
  const { change, where } = definition;
  if (change.kind === 'function') {
    const since = clock.monotonic();
    if (compute !== null) await changeByFunction(client, walk, compute, keys);
    return { servedMs: clock.monotonic() - since, walBytes: null };
  }
  const { text, values } = changeQuery(walk, change, where, keys);
  const { rows } = await client.query<Explained>({ text: `EXPLAIN (ANALYZE, TIMING OFF, WAL, FORMAT JSON) ${text}`, values: [...values] });
  const [plan] = rows[0]?.['QUERY PLAN'] ?? [];
  if (plan === undefined) throw new Error('EXPLAIN answered no plan');
  return { servedMs: plan['Planning Time'] + plan['Execution Time'], walBytes: plan.Plan['WAL Bytes'] ?? null };
}
