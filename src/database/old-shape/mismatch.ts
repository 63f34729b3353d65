import { createHash } from 'node:crypto';
import type pg from 'pg';
import { SlipwayError, type Clock, type Duration } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { findWalk } from '../backfill/key.ts';
import { quoteName, type Walk } from '../core/backfill/sql.ts';
import { QUOTES_ROWS, serverError } from '../errors.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { MismatchDefinition, MismatchSample } from '../core/old-shape/facts.ts';
import { asOwn } from '../core/own.ts';

/** How much is looked at. */
export interface SampleBounds {
  /** About so many rows; null: all. */
  readonly rows: number | null;
  readonly withinMs: Duration;
  readonly clock: Clock;
  /** In [0, 1): which pages are looked at. */
  readonly random: () => number;
  readonly signal?: AbortSignal;
}

const EXAMPLES = 5;
/** Rows of one query: small, so that none keeps old row versions alive for long. */
const ROUND_ROWS = 2_000;
const MOST_ROUNDS = 500;
const ROUND_WITHIN_MS = 5_000;
const ALL_WITHIN_MS = 15 * 60_000;

/**
 * Looks for rows in which the old and the new shape disagree: the newest ones by key, where a missing second write shows first, then
 * pages at random, in short read-only transactions with a pause as long as each of them took.
 * @throws SlipwayError `config_invalid` (no such table or key, a condition that is no SQL or that fails), `database_unreachable`, `database_refused`
 */
export async function sampleMismatch(
  access: DatabaseAccess,
  definition: MismatchDefinition,
  bounds: SampleBounds,
): Promise<MismatchSample> {
  await checkCondition(definition.where);
  return withClient(access, 'sampling for mismatches', async (client) => {
    const walk = await findWalk(client, definition.table, definition.key);
    const startedAt = bounds.clock.monotonic();
    const found = await (bounds.rows === null
      ? countAll(client, walk, definition.where)
      : sample(client, { walk, where: definition.where, bounds, rows: bounds.rows }));
    return { ...found, tookMs: Math.round(bounds.clock.monotonic() - startedAt) };
  });
}

/** It stands between brackets, and must not end them. */
async function checkCondition(where: string): Promise<void> {
  for (const sql of [`SELECT FROM t WHERE ${where}`, `SELECT FROM t WHERE (${where})`]) {
    const parsed = await parseSql(sql);
    if (parsed.ok && parsed.statements.length === 1) continue;
    throw new SlipwayError(
      'config_invalid',
      `\`mismatch.where\` is not a condition: ${parsed.ok ? 'it is more than one statement' : parsed.message}`,
    );
  }
}

interface Round {
  readonly rows: number;
  readonly mismatched: number;
  readonly undecided: number;
  readonly examples: readonly string[];
}

const NOTHING = { rows: 0, mismatched: 0 };

type Found = Omit<MismatchSample, 'tookMs'>;

async function countAll(client: pg.Client, walk: Walk, where: string): Promise<Found> {
  return { ...(await look(client, { walk, where, from: walk.table, withinMs: ALL_WITHIN_MS })), drawn: NOTHING, complete: true };
}

interface Sampling {
  readonly walk: Walk;
  readonly where: string;
  readonly bounds: SampleBounds;
  readonly rows: number;
}

async function sample(client: pg.Client, { walk, where, bounds, rows }: Sampling): Promise<Found> {
  const { clock, withinMs, signal, random } = bounds;
  const until = clock.monotonic() + withinMs;
  const estimate = await estimateRows(client, walk.table);
  if (estimate <= rows) {
    const all = await look(client, {
      walk,
      where,
      from: `(SELECT * FROM ${walk.table} LIMIT ${rows + 1}) ${bareName(walk)}`,
      withinMs: ROUND_WITHIN_MS,
    });
    // More than it was taken for: then it is one more sample.
    if (all.rows <= rows) return { ...all, drawn: NOTHING, complete: true };
  }
  const order = walk.key.map(({ name }) => `${quoteName(name)} DESC`).join(', ');
  const newest = Math.min(ROUND_ROWS, Math.ceil(rows / 4));
  const first = await look(client, {
    walk,
    where,
    from: `(SELECT * FROM ${walk.table} ORDER BY ${order} LIMIT ${newest}) ${bareName(walk)}`,
    withinMs: ROUND_WITHIN_MS,
  });
  let drawn: Round = { ...NOTHING, undecided: 0, examples: [] };
  const percent = Math.min(100, Math.max(0.0001, (ROUND_ROWS / Math.max(1, estimate)) * 100));
  for (let round = 0; round < MOST_ROUNDS && first.rows + drawn.rows < rows && clock.monotonic() < until; round += 1) {
    const began = clock.monotonic();
    const from = `${walk.table} TABLESAMPLE SYSTEM (${percent.toFixed(6)}) REPEATABLE (${Math.floor(random() * 1e9)})`;
    drawn = joined(drawn, await look(client, { walk, where, from, withinMs: ROUND_WITHIN_MS }));
    if (signal?.aborted === true) break;
    await clock.sleep(clock.monotonic() - began, signal);
  }
  return { ...joined(first, drawn), drawn: { rows: drawn.rows, mismatched: drawn.mismatched }, complete: false };
}

function joined(one: Round, other: Round): Round {
  return {
    rows: one.rows + other.rows,
    mismatched: one.mismatched + other.mismatched,
    undecided: one.undecided + other.undecided,
    examples: [...new Set([...one.examples, ...other.examples])].slice(0, EXAMPLES),
  };
}

/** A part of the table goes by the table's own name, which the condition may use. */
function bareName({ table }: Walk): string {
  return /"(?:[^"]|"")*"$/.exec(table)?.[0] ?? table;
}

interface Looking {
  readonly walk: Walk;
  readonly where: string;
  readonly from: string;
  readonly withinMs: Duration;
}

async function look(client: pg.Client, { walk, where, from, withinMs }: Looking): Promise<Round> {
  const key = `ARRAY[${walk.key.map(({ name }) => `${quoteName(name)}::text`).join(', ')}]`;
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${withinMs}`);
  try {
    // As a prepared statement: the server then refuses a second one behind it.
    const text = asOwn(`SELECT count(*)::float8 AS rows, count(*) FILTER (WHERE (${where}))::float8 AS mismatched,
      count(*) FILTER (WHERE (${where}) IS NULL)::float8 AS undecided,
      (array_agg(array_to_string(${key}, ',')) FILTER (WHERE (${where})))[1:${EXAMPLES}] AS examples FROM ${from}`);
    const { rows } = await client.query<Round>({ name: createHash('sha256').update(text).digest('hex').slice(0, 40), text });
    const [row] = rows;
    if (row === undefined) throw new Error('an aggregate answered no row');
    return { ...row, examples: row.examples ?? [] };
  } catch (error) {
    throw conditionError(error);
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

/** The condition is the user's: what it does wrong is theirs to correct. Of rows nothing is quoted. */
function conditionError(error: unknown): unknown {
  const refused = serverError(error);
  if (refused === null || refused.code === '57014' || refused.code === '42501') return error;
  const message = QUOTES_ROWS.test(refused.code) ? `it fails for a row [${refused.code}]` : `${refused.message} [${refused.code}]`;
  return new SlipwayError('config_invalid', `\`mismatch.where\` does not answer: ${message}`, {
    hint: 'Correct the condition: it is asked of one row of the table, and must be true, false or null for each.',
  });
}

async function estimateRows(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query<{ rows: number; bytes: number }>(
    `SELECT coalesce(sum(reltuples) FILTER (WHERE reltuples > 0), 0)::float8 AS rows, coalesce(sum(pg_relation_size(oid)), 0)::float8 AS bytes FROM pg_class
     WHERE oid IN (SELECT relid FROM pg_partition_tree($1::regclass) WHERE isleaf UNION SELECT $1::regclass) AND relkind = 'r'`,
    [table],
  );
  const { rows: known = 0, bytes = 0 } = rows[0] ?? {};
  // Never analysed: a row of some 100 bytes is as good a guess as any; what is found corrects it.
  return Math.max(known, bytes / 100);
}
