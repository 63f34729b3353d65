import type pg from 'pg';
import type { Clock } from '../../kernel/index.ts';
import type { Trial } from '../core/backfill/forecast.ts';
import { boundaryQuery, changeQuery, claimQuery, type Key } from '../core/backfill/sql.ts';
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
    let trial: Trial = { rows: 0, tookMs: 0, walBytes: null };
    for (let [round, after]: [number, Key | null] = [0, null]; round < ROUNDS; round++) {
      const claim = claimQuery(walk, { after, until }, { where: definition.where, quarantine: null });
      const limited = claim.text.replace(' FOR NO KEY UPDATE', ` LIMIT ${ROWS} FOR NO KEY UPDATE`);
      const since = clock.monotonic();
      const keys: readonly Key[] = (await client.query<{ key: Key }>({ text: limited, values: [...claim.values] })).rows.map(
        ({ key }) => key,
      );
      if (keys.length === 0) break;
      const walBytes = await changeMeasured(client, work, keys);
      trial = { rows: keys.length, tookMs: clock.monotonic() - since, walBytes };
      after = keys.at(-1) ?? null;
    }
    return trial;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
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
  const { rows } = await client.query<Explained>({ text: `EXPLAIN (ANALYZE, WAL, FORMAT JSON) ${text}`, values: [...values] });
  return rows[0]?.['QUERY PLAN'][0]?.Plan['WAL Bytes'] ?? null;
}
