import type pg from 'pg';
import type { Clock } from '../../kernel/index.ts';
import type { Trial } from '../core/backfill/forecast.ts';
import { boundaryQuery, changeQuery, claimQuery, stillQuery, type Key } from '../core/backfill/sql.ts';
import { QUOTES_ROWS, serverError } from '../errors.ts';
import { changeByFunction } from './function.ts';
import type { BatchWork } from './batch.ts';

const ROWS = 500;
/** The first rows pay for plans and pages that all later ones share, so they are not counted. */
const ROUNDS = 2;
/** Rows looked at for some that need work. */
const SCAN = 50_000;
const WITHIN_MS = 10_000;

/** Changes a few rows in a transaction that is taken back, and measures. Leaves dead rows behind, as any change that is taken back does. */
export async function runTrial(client: pg.Client, work: Omit<BatchWork, 'range' | 'sparing'>, clock: Clock): Promise<Trial> {
  const { definition, walk } = work;
  await client.query(
    `BEGIN; SET LOCAL lock_timeout = ${Math.ceil(definition.limits.lockTimeoutMs)}; SET LOCAL statement_timeout = ${WITHIN_MS}`,
  );
  try {
    const boundary = boundaryQuery(walk, { after: null, until: null }, SCAN);
    const until = (await client.query<{ key: Key }>({ text: boundary.text, values: [...boundary.values] })).rows[0]?.key ?? null;
    let trial: Trial = { rows: 0, tookMs: 0, walBytes: null, refused: 0, stays: false };
    for (let [round, after]: [number, Key | null] = [0, null]; round < ROUNDS; round++) {
      const claim = claimQuery(walk, { after, until }, { where: definition.where, quarantine: null });
      const limited = claim.text.replace(' FOR NO KEY UPDATE', ` LIMIT ${ROWS} FOR NO KEY UPDATE`);
      const claiming = clock.monotonic();
      const keys: readonly Key[] = (await client.query<{ key: Key }>({ text: limited, values: [...claim.values] })).rows.map(
        ({ key }) => key,
      );
      if (keys.length === 0) break;
      // A batch of `set` claims nothing unless somebody holds its rows.
      const since = definition.change.kind === 'set' ? clock.monotonic() : claiming;
      const { walBytes, refused } = await tryRows(client, work, keys);
      const tookMs = clock.monotonic() - since;
      const written = keys.filter((key) => !refused.has(key));
      const stays = trial.stays || (await isStill(client, work, written));
      trial = { rows: written.length, tookMs, walBytes, refused: trial.refused + refused.size, stays };
      after = keys.at(-1) ?? null;
    }
    return trial;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

interface Tried {
  readonly walBytes: number | null;
  readonly refused: ReadonlySet<Key>;
}

/** All at once; where the server refuses the data of one, each on its own, as the run would set it aside. */
async function tryRows(client: pg.Client, work: Omit<BatchWork, 'range' | 'sparing'>, keys: readonly Key[]): Promise<Tried> {
  const all = await tryOnce(client, work, keys);
  if (all !== 'refused') return { walBytes: all, refused: new Set() };
  const refused = new Set<Key>();
  for (const key of keys) if ((await tryOnce(client, work, [key])) === 'refused') refused.add(key);
  return { walBytes: null, refused };
}

async function tryOnce(
  client: pg.Client,
  work: Omit<BatchWork, 'range' | 'sparing'>,
  keys: readonly Key[],
): Promise<number | null | 'refused'> {
  await client.query('SAVEPOINT tried');
  try {
    const walBytes = await changeMeasured(client, work, keys);
    await client.query('RELEASE tried');
    return walBytes;
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
  readonly 'QUERY PLAN': readonly { readonly Plan: { readonly 'WAL Bytes'?: number } }[];
}

async function changeMeasured(
  client: pg.Client,
  { definition, walk, compute }: Omit<BatchWork, 'range' | 'sparing'>,
  keys: readonly Key[],
): Promise<number | null> {
  const { change, where } = definition;
  if (change.kind === 'function') {
    if (compute !== null) await changeByFunction(client, walk, compute, keys);
    return null;
  }
  const { text, values } = changeQuery(walk, change, where, keys);
  const { rows } = await client.query<Explained>({ text: `EXPLAIN (ANALYZE, TIMING OFF, WAL, FORMAT JSON) ${text}`, values: [...values] });
  return rows[0]?.['QUERY PLAN'][0]?.Plan['WAL Bytes'] ?? null;
}
