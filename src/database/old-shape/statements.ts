import type pg from 'pg';
import { serverError } from '../errors.ts';
import { mentions, strongest, useOf } from '../core/old-shape/uses.ts';
import { isOwn } from '../core/own.ts';
import type { Statement } from '../core/types.ts';
import { parseSql } from '../parser.ts';
import type { FoundShape } from './resolve.ts';
import type { CountedStatement, Seen, StatementFacts } from '../core/old-shape/facts.ts';
import { watchCounters } from './watch.ts';

/** More than this many statements about a table are not read: nobody waits so long, and so many are not of one service. */
const MOST_STATEMENTS = 20_000;
const LONGEST_TEXT = 1_000_000;
const WITHIN_MS = 60_000;

const ENABLE =
  'Add pg_stat_statements to shared_preload_libraries, restart the server, and run CREATE EXTENSION pg_stat_statements in this database.';

interface Row {
  readonly id: string;
  readonly query: string | null;
  readonly calls: number;
  readonly hidden: boolean;
}

/** Where statements are counted, and where it is remembered what was: on a standby nothing can be written. */
export interface Counting {
  readonly counted: pg.Client;
  readonly kept: pg.Client;
  /** Names the standby; null for the primary. */
  readonly at: string | null;
}

/** What the server has counted of statements that use the old shapes, and since when each of them was not called any more. */
export async function countedStatements(
  counting: Counting,
  shapes: readonly FoundShape[],
  remember: boolean,
): Promise<Seen<StatementFacts>> {
  const { counted: client } = counting;
  const view = await findView(client);
  if (!view.ok) return view;
  const info = await readInfo(client, view.value);
  if (!info.ok) return info;
  const rows = await readRows(client, view.value, shapes);
  if (rows.length > MOST_STATEMENTS)
    return {
      ok: false,
      reason: `more than ${MOST_STATEMENTS} counted statements mention the tables; they were not read`,
      fix: 'Reset the counters (SELECT pg_stat_statements_reset()) once the new version serves, and ask again.',
    };
  const uses = await usesIn(rows, shapes);
  return remembered(counting, { rows, uses, shapes, remember, ...info.value });
}

async function findView(client: pg.Client): Promise<Seen<string>> {
  const { rows } = await client.query<{ readonly [name in 'schema' | 'track' | 'utility' | 'uncounted']: string | null }>(
    `SELECT (SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements') AS schema,
       current_setting('pg_stat_statements.track', true) AS track, current_setting('pg_stat_statements.track_utility', true) AS utility,
       (SELECT string_agg(DISTINCT coalesce('role ' || r.rolname, 'database ' || d.datname), ', ')
        FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS setting
        WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
          AND lower(setting) IN ('pg_stat_statements.track=none', 'pg_stat_statements.track_utility=off')) AS uncounted`,
  );
  const { schema = null, track = null, utility = null, uncounted = null } = rows[0] ?? {};
  if (schema === null)
    return { ok: false, reason: 'the server counts no statements here: pg_stat_statements is not installed', fix: ENABLE };
  if (track === null) return { ok: false, reason: 'pg_stat_statements is installed and not loaded, so nothing is counted', fix: ENABLE };
  if (track === 'none')
    return { ok: false, reason: 'pg_stat_statements.track is none, so nothing is counted', fix: 'Set pg_stat_statements.track = top.' };
  if (utility === 'off')
    return {
      ok: false,
      reason: 'pg_stat_statements.track_utility is off, so what is read through cursors is not counted',
      fix: 'Set pg_stat_statements.track_utility = on.',
    };
  if (uncounted !== null)
    return {
      ok: false,
      reason: `not everything is counted: pg_stat_statements is told otherwise for ${uncounted}`,
      fix: 'RESET pg_stat_statements.track and pg_stat_statements.track_utility for it (ALTER ROLE, ALTER DATABASE).',
    };
  return { ok: true, value: schema };
}

interface Info {
  readonly resetAt: number;
  readonly evicted: number;
}

async function readInfo(client: pg.Client, schema: string): Promise<Seen<Info>> {
  try {
    const { rows } = await client.query<Info>(
      `SELECT round(extract(epoch FROM stats_reset) * 1000)::float8 AS "resetAt", dealloc::float8 AS evicted FROM ${schema}.pg_stat_statements_info`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error('pg_stat_statements_info has no row');
    return { ok: true, value: row };
  } catch (error) {
    const refused = serverError(error);
    if (refused === null) throw error;
    // Before version 1.9 of the extension nobody could tell whether statements were dropped.
    return {
      ok: false,
      reason: `pg_stat_statements does not say whether it forgot statements: ${refused.message}`,
      fix: 'Run ALTER EXTENSION pg_stat_statements UPDATE (PostgreSQL 14 or later), and ask again.',
    };
  }
}

/** Only texts that mention a table: the others are not fetched. */
async function readRows(client: pg.Client, schema: string, shapes: readonly FoundShape[]): Promise<readonly Row[]> {
  const names = [...new Set(shapes.flatMap(namesOf))];
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${WITHIN_MS}`);
  try {
    const { rows } = await client.query<Row>(
      `SELECT s.userid || ':' || s.queryid || ':' || s.toplevel AS id, s.calls::float8 AS calls, s.query IS NULL OR s.queryid IS NULL AS hidden,
         CASE WHEN octet_length(s.query) <= ${LONGEST_TEXT} THEN s.query ELSE left(s.query, ${LONGEST_TEXT}) END AS query
       FROM ${schema}.pg_stat_statements s WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND (s.query IS NULL OR s.queryid IS NULL OR EXISTS (SELECT 1 FROM unnest($1::text[]) AS n (name) WHERE strpos(lower(s.query), lower(n.name)) > 0))
       LIMIT ${MOST_STATEMENTS + 1}`,
      [names],
    );
    return rows;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}

function namesOf({ shape, relations }: FoundShape): readonly string[] {
  return relations.length > 0 ? relations.map(([, name]) => name) : shape.path.slice(-1);
}

type Found = Pick<CountedStatement, 'text' | 'shape' | 'use' | 'calls'> & { readonly id: string };

async function usesIn(rows: readonly Row[], shapes: readonly FoundShape[]): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const { id, query, calls, hidden } of rows) {
    if (hidden || query === null || isOwn(query)) continue;
    for (const { shape, use } of await usesInText(query, shapes))
      found.push({ id, text: query.replace(/\s+/g, ' ').trim(), shape: shape.shape.told, use, calls });
  }
  return found.toSorted((a, b) => (a.text < b.text ? -1 : 1));
}

/** An old shape that a text uses, and how. */
export interface UsedShape {
  readonly shape: FoundShape;
  readonly use: CountedStatement['use'];
}

/** Which old shapes a text of SQL uses; of one that cannot be parsed, those it mentions are `unreadable`. */
export async function usesInText(text: string, shapes: readonly FoundShape[]): Promise<readonly UsedShape[]> {
  const parsed = await parseSql(text);
  return shapes.flatMap((shape): readonly UsedShape[] => {
    const use = parsed.ok ? useInTree(parsed.statements, shape) : 'unreadable';
    if (use === null || (use === 'unreadable' && !mentions(text, shape))) return [];
    return [{ shape, use }];
  });
}

function useInTree(statements: readonly Statement[], shape: FoundShape): CountedStatement['use'] | null {
  // A block may put together what it runs.
  if (statements.some(({ kind }) => kind === 'DoStmt')) return 'unreadable';
  try {
    return strongest(statements.map(({ kind, node }) => useOf({ [kind]: node }, shape)));
  } catch (error) {
    // A tree deeper than the stack.
    if (error instanceof RangeError) return 'unreadable';
    throw error;
  }
}

interface Gathered extends Info {
  readonly rows: readonly Row[];
  readonly uses: readonly Found[];
  readonly shapes: readonly FoundShape[];
  readonly remember: boolean;
}

const EVICTED = 'evicted';

const subjectOf = (what: string, { at }: Counting): string => (at === null ? what : `${what} at ${at}`);

async function remembered(counting: Counting, gathered: Gathered): Promise<Seen<StatementFacts>> {
  const { rows, remember, resetAt, evicted } = gathered;
  // Of the whole server, whatever is watched: it is known since anybody first looked.
  const server = await watchCounters(counting.kept, {
    subject: subjectOf('statements', counting),
    counters: new Map([[EVICTED, evicted]]),
    epoch: resetAt,
    remember: true,
  });
  const uses = server === null ? null : await watchedUses(counting, gathered);
  if (server === null || uses === null)
    return {
      ok: false,
      reason: 'this user may not keep anything in the database, so what was called since cannot be told',
      fix: 'Give database.url a user that may create a schema, or create slipway_history and grant it.',
    };
  const forgot = server.get(EVICTED);
  // What was forgotten before the first look may have been anything, at any time since the reset.
  const evictedAt = evicted === 0 ? null : (forgot?.movedAt ?? forgot?.firstAt ?? null);
  return {
    ok: true,
    value: {
      looked: rows.length,
      since: evictedAt ?? resetAt,
      evictedAt,
      remembered: remember,
      hidden: rows.filter(({ hidden }) => hidden).length,
      uses,
    },
  };
}

/** Each old shape is watched by itself: what else goes with it may be known only later, and must not begin its watch anew. */
async function watchedUses(counting: Counting, { uses, shapes, remember, resetAt }: Gathered): Promise<readonly CountedStatement[] | null> {
  const found: CountedStatement[] = [];
  for (const { key, shape } of shapes) {
    const own = uses.filter((use) => use.shape === shape.told);
    const counters = new Map(own.map(({ id, calls }) => [id, calls]));
    const looked = await watchCounters(counting.kept, {
      subject: subjectOf(`statements of ${key}`, counting),
      counters,
      epoch: resetAt,
      remember,
      vanishes: true,
    });
    if (looked === null) return null;
    for (const { id, ...use } of own) {
      const watched = looked.get(id);
      if (watched !== undefined) found.push({ ...use, watched });
    }
    const text = 'a statement that used it, whose counter was reset,';
    for (const watched of looked.values())
      if (watched.value < 0) found.push({ text, shape: shape.told, use: 'unreadable', calls: -watched.value, watched });
  }
  return found;
}
