import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../../src/kernel/index.ts';
import type { Form } from './forms.ts';

/** What a statement did to relations that were there before, by name: `target=AE`, `scan=target`, `rewrite=target`, `rebuild=an_index`. */
export type Facts = readonly string[];

const LOCKS = [
  'AccessShare',
  'RowShare',
  'RowExclusive',
  'ShareUpdateExclusive',
  'Share',
  'ShareRowExclusive',
  'Exclusive',
  'AccessExclusive',
];
const BASE = `DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; SET search_path = s, public; SET max_parallel_maintenance_workers = 0;
  CREATE TABLE referenced (id bigint PRIMARY KEY, v int); INSERT INTO referenced SELECT g, g FROM generate_series(1, 200) g;
  CREATE TABLE target (id bigint PRIMARY KEY, a int NOT NULL, b int, t text, ref bigint, span int4range);
  INSERT INTO target SELECT g, g, g, 'x', g, int4range(g, g + 1) FROM generate_series(1, 200) g;
  CREATE INDEX an_index ON target (b);`;
/** What other sessions hold while a statement that runs alone is watched; each makes it wait at another point of its way. */
const BLOCKERS = ['SHARE', 'ROW EXCLUSIVE', 'ACCESS SHARE'];
const PATIENCE_MS = 10_000;

interface Relation {
  readonly oid: number;
  readonly name: string;
  readonly kind: string;
  readonly file: number | null;
  readonly scans: string;
}

/** Runs one form; null when this version's grammar or catalog refuses it. */
export async function measureForm(client: pg.Client, url: string, form: Form): Promise<Facts | null> {
  if (!(await prepare(client, form))) return null;
  return form.alone === true ? measureAlone(client, url, form) : measureInside(client, form.sql);
}

async function prepare(client: pg.Client, { before }: Form): Promise<boolean> {
  await client.query(BASE);
  return before === undefined || accepted(client, before);
}

/** A feature that the version does not have is a syntax error, or an option it does not know. */
const NOT_THERE = new Set(['42601', '0A000', '42704', '42809', '42883', '22023']);

async function accepted(client: pg.Client, sql: string): Promise<boolean> {
  try {
    await client.query(sql);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && NOT_THERE.has(error.code ?? '')) return false;
    throw new Error(`${sql}: ${String(error)}`, { cause: error });
  }
}

async function measureInside(client: pg.Client, sql: string): Promise<Facts | null> {
  await client.query('BEGIN');
  try {
    // Not before: between transactions the server may count scans from nought again.
    const before = await relations(client);
    if (!(await accepted(client, sql))) return null;
    const { rows } = await client.query<{ relation: number; mode: string }>(
      `SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted`,
    );
    return facts(
      before,
      await relations(client),
      rows.flatMap((one) => named(before, one)),
    );
  } finally {
    await client.query('ROLLBACK');
  }
}

async function relations(client: pg.Client): Promise<readonly Relation[]> {
  const { rows } = await client.query<Relation>(
    `SELECT oid, relname AS name, relkind AS kind, pg_relation_filenode(oid) AS file, coalesce(pg_stat_get_xact_numscans(oid), 0)::text AS scans
     FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind IN ('r', 'p', 'm', 'i', 'v', 'S') ORDER BY relname`,
  );
  return rows;
}

interface Lock {
  readonly name: string;
  readonly mode: string;
}

function named(relations: readonly Relation[], { relation, mode }: { readonly relation: number; readonly mode: string }): readonly Lock[] {
  return relations.filter(({ oid }) => oid === relation).map(({ name }) => ({ name, mode }));
}

function facts(before: readonly Relation[], after: readonly Relation[], locks: readonly Lock[]): Facts {
  const found = before.flatMap((one) => lockFact(one, locks));
  for (const { oid, name, kind, file, scans } of before) {
    const now = after.find((one) => one.oid === oid);
    if (now === undefined) continue;
    if (now.file !== file) found.push(`${kind === 'i' ? 'rebuild' : 'rewrite'}=${name.includes('pkey') ? 'an_index' : name}`);
    if (kind !== 'i' && BigInt(now.scans) > BigInt(scans)) found.push(`scan=${name}`);
  }
  return [...new Set(found)];
}

/** What PostgreSQL named itself (a primary key's index) tells nothing more, nor does an index that a plan happened to use. */
function lockFact({ name, kind }: Relation, locks: readonly Lock[]): readonly string[] {
  const strongest = Math.max(-1, ...locks.filter((one) => one.name === name).map((one) => LOCKS.indexOf(one.mode.replace(/Lock$/, ''))));
  const mode = LOCKS[strongest];
  if (mode === undefined || name.includes('pkey') || (kind === 'i' && strongest <= LOCKS.indexOf('RowExclusive'))) return [];
  return [`${name}=${mode.replace(/[a-z]/g, '')}`];
}

/** Watches it from outside, once for each kind of blocker, while it waits; the last time it may end. */
async function measureAlone(client: pg.Client, url: string, form: Form): Promise<Facts | null> {
  const locks: Lock[] = [];
  for (const mode of BLOCKERS) {
    await prepare(client, form);
    const before = await relations(client);
    const seen = await watch(client, url, { sql: form.sql, mode, before, end: mode === BLOCKERS.at(-1) });
    if (seen === null) return null;
    locks.push(...seen);
    if (mode === BLOCKERS.at(-1)) return facts(before, await relations(client), locks);
  }
  return null;
}

interface Watched {
  readonly sql: string;
  readonly mode: string;
  readonly before: readonly Relation[];
  /** May it go on to its end, or is it cancelled where it waits? */
  readonly end: boolean;
}

async function watch(client: pg.Client, url: string, { sql, mode, before, end }: Watched): Promise<readonly Lock[] | null> {
  const [blocker, worker] = [new pg.Client(url), new pg.Client(url)];
  await Promise.all([blocker.connect(), worker.connect()]);
  try {
    await worker.query('SET search_path = s, public');
    const { rows } = await worker.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const pid = rows[0]?.pid ?? 0;
    await blocker.query('BEGIN');
    for (const { name, kind } of before) if (kind === 'r' || kind === 'p') await blocker.query(`LOCK TABLE s.${name} IN ${mode} MODE`);
    const state = { ended: false };
    const running = worker.query(sql).then(
      () => null,
      (error: unknown) => error,
    );
    void running.finally(() => (state.ended = true));
    const seen = await waitingLocks(client, pid, state);
    if (!end) await client.query('SELECT pg_cancel_backend($1)', [pid]);
    else await blocker.query('ROLLBACK');
    const error = await running;
    if (error === null || isCancelled(error)) return seen.flatMap((one) => named(before, one));
    if (error instanceof pg.DatabaseError && NOT_THERE.has(error.code ?? '')) return null;
    throw new Error(`${sql}: ${messageOf(error)}`);
  } finally {
    await Promise.all([blocker.end(), worker.end()]);
  }
}

function isCancelled(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '57014';
}

async function waitingLocks(
  client: pg.Client,
  pid: number,
  state: { readonly ended: boolean },
): Promise<readonly { readonly relation: number; readonly mode: string }[]> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!state.ended && Date.now() < deadline) {
    const { rows } = await client.query<{ waiting: boolean }>(
      `SELECT wait_event_type = 'Lock' AS waiting FROM pg_stat_activity WHERE pid = $1`,
      [pid],
    );
    if (rows[0]?.waiting === true) break;
    await delay(5);
  }
  const { rows } = await client.query<{ relation: number; mode: string }>(
    `SELECT relation, mode FROM pg_locks WHERE pid = $1 AND locktype = 'relation'`,
    [pid],
  );
  return rows;
}
