import type pg from 'pg';
import { CHANGESET } from '../core/lint/sections.ts';
import type { Folder } from '../lint/ports.ts';
import type { Entry, Recorded, ToolHistory } from './ports.ts';
import { liquibaseRoots } from './liquibase-roots.ts';
import { isoTime, noObstacle } from './shared.ts';

/** Beside path, id and author, by which Liquibase knows a changeset. */
interface Head {
  readonly id: string;
  readonly author: string;
  readonly comments: string;
  /** `logicalFilePath`, which says itself what Liquibase calls the file; empty where the path is the one that its root file leads to. */
  readonly filename: string;
}

interface Row {
  readonly id: string;
  readonly author: string;
  readonly filename: string;
  readonly checksum: string | null;
  readonly at: string;
}

const FIRST_LINE = /^\s*--\s*liquibase\s*formatted.*$/im;
const LOGICAL = /\blogicalFilePath:(\S+)/i;
const COMMENT = /^--\s*comment:? (.*)$/gim;
const LONGEST_COMMENT = 250;
const LOCK_COLUMNS = 'id integer NOT NULL PRIMARY KEY, locked boolean NOT NULL, lockgranted timestamp, lockedby varchar(255)';

/** What of a changeset depends on how Liquibase is called, on what it finds, or on its own way of running it. */
const ITS_OWN: readonly (readonly [RegExp, string])[] = [
  [/^\s*--\s*changeset\b.*\brun(?:OnChange|Always):true/im, 'is run again by Liquibase (runOnChange, runAlways)'],
  [/^\s*--\s*changeset\b.*\b(?:context|contextFilter|labels):/im, 'has a context or labels, and how Liquibase is called decides on it'],
  [/^\s*--\s*changeset\b.*\bfailOnError:false/im, 'may fail (failOnError:false), which Liquibase passes over'],
  [/^\s*--\s*changeset\b.*\brunWith:/im, 'is run by a program that Liquibase calls (runWith)'],
  [/^\s*--\s*changeset\b.*\bendDelimiter:/im, 'is cut at a delimiter of its own (endDelimiter), which only Liquibase does'],
  [/^\s*--\s*preconditions?\b/im, 'has preconditions, which only Liquibase asks for'],
  [/\$\{[^}]*\}/, 'holds a placeholder, which only Liquibase fills in'],
];

const unquoted = (text: string): string => text.replace(/^"(.*)"$/, '$1');
/** As Liquibase compares paths. */
const plain = (path: string): string =>
  path
    .replace(/^classpath:/i, '')
    .replaceAll('\\', '/')
    .replace(/^[a-z]:/i, '')
    .replace(/^\//, '')
    .toLowerCase();
const headOf = ({ row = {} }: Entry): Head => ({
  id: row['id'] ?? '',
  author: row['author'] ?? '',
  comments: row['comments'] ?? '',
  filename: row['filename'] ?? '',
});
const alike = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

async function firstLineOf(path: string, folder: Folder): Promise<string> {
  const whole = await folder.text(path);
  return whole.ok ? (FIRST_LINE.exec(whole.text)?.[0] ?? '') : '';
}

/** @param first of the file, which may say its path for all of its changesets */
function headIn(text: string, first: string): Head {
  const [, author = '', id = '', attributes = ''] = CHANGESET.exec(text)?.map(unquoted) ?? [];
  return { id, author, comments: commentIn(text), filename: LOGICAL.exec(attributes)?.[1] ?? LOGICAL.exec(first)?.[1] ?? '' };
}

/** The last one counts. */
function commentIn(text: string): string {
  const said = [...text.matchAll(COMMENT)].at(-1)?.[1] ?? '';
  return said.trim().slice(0, LONGEST_COMMENT);
}

/** What stands before the file's path in the folder; null when the row is of another changeset. */
function prefixOf(row: Row, entry: Entry): string | null {
  const { id, author } = headOf(entry);
  if (!alike(row.id, id) || !alike(row.author, author)) return null;
  const at = row.filename.length - entry.path.length;
  if (at < 0 || !alike(row.filename.slice(at).replaceAll('\\', '/'), entry.path)) return null;
  const prefix = row.filename.slice(0, at);
  return prefix === '' || /[/\\:]$/.test(prefix) ? prefix : null;
}

function isOf(row: Row, entry: Entry): boolean {
  const { id, author, filename } = headOf(entry);
  if (filename === '') return prefixOf(row, entry) !== null;
  return alike(row.id, id) && alike(row.author, author) && plain(row.filename) === plain(filename);
}

async function rowsOf(client: pg.Client, table: string): Promise<readonly Row[]> {
  const { rows } = await client.query<Row>(
    `SELECT id, author, filename, md5sum AS checksum, ${isoTime('dateexecuted', false)} AS at FROM ${table} ORDER BY orderexecuted`,
  );
  return rows;
}

/** The entry with the path under which Liquibase knows its file, or why that is not known. */
function settled(entry: Entry, prefixes: readonly string[]): Entry | string {
  if (headOf(entry).filename !== '') return entry;
  const [prefix, another] = prefixes;
  const help = 'write it behind "--liquibase formatted sql" as logicalFilePath:PATH';
  if (prefix === undefined)
    return `databasechangelog does not tell under which path Liquibase knows these files; let Liquibase apply the first changeset of one, or ${help}`;
  if (another !== undefined)
    return `databasechangelog knows files of this folder under ${prefix || './'} and under ${another || './'}; ${help}`;
  return { ...entry, row: { ...entry.row, filename: `${prefix}${entry.path}` } };
}

export const liquibase: ToolHistory = {
  name: 'liquibase',
  title: 'Liquibase',
  table: 'databasechangelog',
  columns: { has: ['id', 'author', 'filename', 'dateexecuted', 'orderexecuted', 'exectype', 'md5sum', 'deployment_id'], hasNot: [] },
  capabilities: { down: false, beginsEmpty: false },
  programs: null,
  create: (table) => `CREATE TABLE ${table} (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename varchar(255) NOT NULL,
      dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, exectype varchar(10) NOT NULL, md5sum varchar(35), description varchar(255),
      comments varchar(255), tag varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id varchar(10))`,
  locks: () => [],
  entersChecksum: 'liquibase update',
  /**
   * Its lock is a row that says `locked`. Holding that row keeps Liquibase waiting where it would write so, and is gone with the session
   * when this process is killed; the word itself would stay.
   */
  hold: async (client, table) => {
    const lock = table.replace(/databasechangelog("?)$/, 'databasechangeloglock$1');
    await client.query(`CREATE TABLE IF NOT EXISTS ${lock} (${LOCK_COLUMNS});
      INSERT INTO ${lock} (id, locked) SELECT 1, false WHERE NOT EXISTS (SELECT FROM ${lock})`);
    await client.query('BEGIN');
    const { rows } = await client.query<{ locked: boolean; by: string | null }>(
      `SELECT locked, lockedby AS by FROM ${lock} WHERE id = 1 FOR UPDATE SKIP LOCKED`,
    );
    const [row] = rows;
    if (row?.locked === false) return null;
    await client.query('ROLLBACK');
    return { owner: row?.by ?? 'another session', release: 'liquibase release-locks' };
  },
  identify: async (path, bytes, folder) => {
    const head = headIn(new TextDecoder('utf-8').decode(bytes), await firstLineOf(path, folder));
    return { key: `${path}::${head.id}::${head.author}`, path, checksums: [], repeatable: false, row: { ...head } };
  },
  obstacle: (path, text) => {
    if (text === '') return 'has no changeset; Liquibase takes such a file for one of its own';
    const found = ITS_OWN.find(([pattern]) => pattern.test(text));
    return found === undefined ? noObstacle() : `(${CHANGESET.exec(text)?.[2] ?? path}) ${found[1]}`;
  },
  around: liquibaseRoots,
  settle: async (client, table, entries, thrownAway) => {
    const rows = table === null ? [] : await rowsOf(client, table);
    const unsaid = entries.filter((entry) => headOf(entry).filename === '');
    const prefixes = new Set(unsaid.flatMap((entry) => rows.map((row) => prefixOf(row, entry)).filter((one) => one !== null)));
    if (prefixes.size === 0 && thrownAway) prefixes.add('');
    return entries.map((entry) => settled(entry, [...prefixes]));
  },
  read: async (client, table, entries) =>
    (await rowsOf(client, table)).map((row): Recorded => {
      const entry = entries.find((one) => isOf(row, one));
      return { key: entry?.key ?? `${row.filename}::${row.id}::${row.author}`, checksum: row.checksum, at: row.at, broken: null };
    }),
  // Its checksum depends on its edition. Where there is none, as `liquibase clear-checksums` leaves it, Liquibase enters its own.
  write: async (client, table, { entry, finished }) => {
    if (!finished) return;
    const { id, author, filename, comments } = headOf(entry);
    if (filename === '') throw new Error(`${entry.key} is written down without its path`);
    await client.query(
      `INSERT INTO ${table} (id, author, filename, dateexecuted, orderexecuted, exectype, description, comments, liquibase, deployment_id)
       SELECT $1, $2, $3, now(), coalesce(max(orderexecuted), 0) + 1, 'EXECUTED', 'sql', $4, 'Slipway',
         right((extract(epoch FROM clock_timestamp()) * 1000)::bigint::text, 10) FROM ${table}`,
      [id, author, filename, comments],
    );
  },
};
