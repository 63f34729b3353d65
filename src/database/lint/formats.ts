import { isJsonObject, messageOf, type JsonObject } from '../../kernel/index.ts';
import { NODE_PG_MIGRATE_UP, splitLiquibase, splitMarked, splitNodePgMigrate, type Section } from '../core/lint/sections.ts';
import type { TransactionMode } from '../core/lint/types.ts';
import { besideOrAbove, byNumber, saysAbove, unreadable } from './folder.ts';
import { CODE_FORMATS, PRINTED_FORMATS } from './formats-code.ts';
import type { Folder, Format, SourceFile } from './ports.ts';

const sqlFiles = ({ files }: Folder): readonly string[] => files.filter((name) => /\.sql$/i.test(name));
const flat = (folder: Folder): readonly string[] => sqlFiles(folder).filter((name) => !name.includes('/'));

/** Reads files that are SQL from beginning to end. */
async function plain(
  folder: Folder,
  names: readonly string[],
  transactions: (text: string, name: string) => TransactionMode | Promise<TransactionMode>,
): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const name of names) {
    const read = await folder.text(name);
    if (!read.ok) files.push(unreadable(name, read.why));
    else files.push({ name, text: read.text, direction: directionOf(name), transactions: await transactions(read.text, name), gaps: [] });
  }
  return files;
}

function directionOf(name: string): 'up' | 'down' {
  return /(?:^|[./])down\.sql$|\.undo\.sql$|(?:^|\/)U[\d._]+__/i.test(name) ? 'down' : 'up';
}

async function split(folder: Folder, names: readonly string[], cut: (text: string) => readonly Section[]): Promise<readonly SourceFile[]> {
  const files: SourceFile[] = [];
  for (const name of names) {
    const read = await folder.text(name);
    if (!read.ok) files.push(unreadable(name, read.why));
    else
      files.push(
        ...cut(read.text).map(({ text, gap, ...section }) => ({
          name,
          text: gap === null ? text : '',
          ...section,
          gaps: gap === null ? [] : [{ line: 1, column: 1, message: gap }],
        })),
      );
  }
  return files;
}

/** Does one of the first files hold it? A folder of one tool has it in all of them. */
async function holds(folder: Folder, pattern: RegExp): Promise<boolean> {
  for (const name of sqlFiles(folder).slice(0, 3)) {
    const read = await folder.text(name);
    if (read.ok && pattern.test(read.text)) return true;
  }
  return false;
}

const marked = (name: 'goose' | 'dbmate' | 'sql-migrate', mark: RegExp): Format => ({
  name,
  readsAs: 'sql',
  detect: (folder) => holds(folder, mark),
  read: (folder) => split(folder, flat(folder).toSorted(byNumber), (text) => splitMarked(text, name)),
});

const ONE_WAY = /\.(?:up|down)\.sql$/;

const SQL_FORMATS: readonly Format[] = [
  {
    name: 'prisma',
    readsAs: 'sql',
    // Drizzle, from its edition 1 on, calls its files the same and keeps a snapshot beside them.
    detect: async ({ files }) =>
      files.some((name) => /(?:^|\/)[^/]+\/migration\.sql$/.test(name)) && !files.some((name) => name.endsWith('/snapshot.json')),
    // Prisma sends a file as one query string.
    read: async (folder) =>
      foreign(folder, await lockProvider(folder)) ??
      plain(
        folder,
        sqlFiles(folder).filter((name) => name.endsWith('/migration.sql')),
        () => 'string',
      ),
  },
  {
    name: 'drizzle',
    readsAs: 'sql',
    detect: async ({ files }) => files.includes('meta/_journal.json'),
    read: readDrizzle,
  },
  {
    name: 'diesel',
    readsAs: 'sql',
    detect: async ({ files }) => files.some((name) => /^[^/]+\/up\.sql$/.test(name)),
    read: async (folder) => {
      const names = sqlFiles(folder).filter((name) => /^[^/]+\/(?:up|down)\.sql$/.test(name));
      const version = (name: string): string => (name.split('_')[0] ?? '').replaceAll('-', '');
      const sorted = names.toSorted((a, b) => (version(a) < version(b) ? -1 : version(a) > version(b) ? 1 : b < a ? -1 : 1));
      return plain(folder, sorted, async (_, name) =>
        (await says(folder, name.replace(/[^/]+$/, 'metadata.toml'), /^\s*run_in_transaction\s*=\s*false/m)) ? 'statement' : 'file',
      );
    },
  },
  {
    name: 'flyway',
    // Its parser takes the data of COPY for what it is.
    readsAs: 'data',
    detect: async (folder) => sqlFiles(folder).some((name) => /(?:^|\/)[VRU][\d._]*__[^/]+\.sql$/.test(name)),
    read: async (folder) => {
      const names = sqlFiles(folder).filter((name) => /(?:^|\/)(?:[VU][\d._]+|R)__[^/]+\.sql$/.test(name));
      const files = await plain(folder, names.toSorted(byFlywayVersion), async (_, name) =>
        (await says(folder, `${name}.conf`, /^\s*executeInTransaction\s*=\s*false/m)) ? 'statement' : 'auto',
      );
      const mixes = saysAbove(folder, ['flyway.conf', 'flyway.toml', 'conf/flyway.conf'], /^\s*(?:flyway\.)?mixed\s*=\s*"?true/m);
      // A file whose own settings say how it runs is not looked into by Flyway.
      return mixes ? files : files.map((file) => (file.transactions === 'auto' ? { ...file, unmixed: true } : file));
    },
  },
  {
    name: 'liquibase',
    readsAs: 'sql',
    detect: (folder) => holds(folder, /^\s*--\s*liquibase\s+formatted\s+sql/i),
    // Its changesets may have conditions of their own.
    read: async (folder) =>
      (await split(folder, sqlFiles(folder).toSorted(), splitLiquibase)).map((one) => ({ ...one, conditional: true })),
  },
  marked('goose', /^--\s*\+goose\s+(?:up|down)\b/im),
  marked('dbmate', /^--\s*migrate:up\b/im),
  marked('sql-migrate', /^--\s*\+migrate\s+up\b/im),
  {
    name: 'node-pg-migrate',
    readsAs: 'sql',
    detect: async (folder) =>
      (await holds(folder, NODE_PG_MIGRATE_UP)) ||
      (numbered(folder) &&
        flat(folder).some((name) => name.endsWith('.up.sql')) &&
        saysAbove(folder, ['package.json'], /"node-pg-migrate"\s*:/)),
    // One file for each way is what its loader "sql" reads; its usual one would run both as ways up.
    read: async (folder) => {
      const names = flat(folder);
      const both = await split(
        folder,
        names.filter((name) => !ONE_WAY.test(name)),
        splitNodePgMigrate,
      );
      const single = await plain(
        folder,
        names.filter((name) => ONE_WAY.test(name)),
        () => 'file',
      );
      return [...both, ...single].toSorted((a, b) => byNumber(a.name, b.name));
    },
  },
  {
    name: 'sqlx',
    readsAs: 'sql',
    detect: async (folder) => numbered(folder) && besideOrAbove(folder, ['Cargo.toml', '.sqlx']),
    read: (folder) =>
      plain(folder, flat(folder).toSorted(byNumber), (text) => (/^\s*--\s*no-transaction/i.test(text) ? 'statement' : 'file')),
  },
  {
    name: 'golang-migrate',
    readsAs: 'sql',
    detect: async (folder) =>
      numbered(folder) && flat(folder).some((name) => name.endsWith('.up.sql')) && besideOrAbove(folder, ['go.mod']),
    read: (folder) => plain(folder, flat(folder).toSorted(byNumber), () => 'string'),
  },
];

const RAW: Format = {
  name: 'sql',
  readsAs: 'psql',
  detect: async (folder) => sqlFiles(folder).length > 0,
  read: (folder) => plain(folder, sqlFiles(folder).toSorted(byNumber), () => 'auto'),
};

/** All formats, the more particular before the more general. Slipway's own is never guessed: slipway.yaml says it. */
export const FORMATS: readonly Format[] = [
  ...SQL_FORMATS,
  ...CODE_FORMATS,
  ...PRINTED_FORMATS,
  {
    ...RAW,
    name: 'slipway',
    readsAs: 'sql',
    detect: async () => false,
    read: (folder) =>
      plain(folder, flat(folder).toSorted(byNumber), (text) => (/^\s*--\s*slipway:\s*no-transaction/im.test(text) ? 'statement' : 'auto')),
  },
  RAW,
];

/** As these tools read names: a number, and any words. */
function numbered(folder: Folder): boolean {
  return flat(folder).length > 0 && flat(folder).every((name) => /^\d+_.*\.sql$/.test(name));
}

async function says(folder: Folder, name: string, pattern: RegExp): Promise<boolean> {
  if (!folder.files.includes(name)) return false;
  const read = await folder.text(name);
  return read.ok && pattern.test(read.text);
}

/** `V1.2__a` before `V1.10__b`; repeatable ones come last. */
function byFlywayVersion(a: string, b: string): number {
  const [left, right] = [flywayVersion(a), flywayVersion(b)];
  if (left === null || right === null) return left === right ? (a < b ? -1 : 1) : left === null ? 1 : -1;
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

function flywayVersion(name: string): readonly number[] | null {
  const [, version] = /(?:^|\/)[VU]([\d._]+)__/.exec(name) ?? [];
  return version === undefined ? null : version.split(/[._]/).map(Number);
}

async function lockProvider(folder: Folder): Promise<string> {
  const lock = folder.files.find((name) => name.endsWith('migration_lock.toml'));
  const read = lock === undefined ? null : await folder.text(lock);
  const locked = read?.ok === true ? /^\s*provider\s*=\s*"([^"]+)"/m.exec(read.text)?.[1] : undefined;
  return locked ?? (await schemaProvider(folder)) ?? 'postgresql';
}

/** A history that was begun by hand has no lock file, and then the schema beside the folder says it. */
async function schemaProvider(folder: Folder): Promise<string | undefined> {
  const schema = await folder.text('../schema.prisma');
  return schema.ok ? /datasource\s+\w+\s*\{[^}]*?\bprovider\s*=\s*"([^"]+)"/.exec(schema.text)?.[1] : undefined;
}

/** A database that is not PostgreSQL: its files are named and nothing is claimed of them. */
function foreign(folder: Folder, dialect: string): Promise<readonly SourceFile[]> | null {
  if (/^(?:postgres|postgresql|cockroachdb)$/.test(dialect)) return null;
  return Promise.resolve(
    sqlFiles(folder).map((name) => unreadable(name, `unsupported: this is for ${dialect}; only PostgreSQL is judged`)),
  );
}

/** The journal says the order and the dialect. */
async function readDrizzle(folder: Folder): Promise<readonly SourceFile[]> {
  const name = 'meta/_journal.json';
  const read = await folder.text(name);
  if (!read.ok) return [unreadable(name, read.why)];
  const journal = journalOf(read.text);
  if (typeof journal === 'string') return [unreadable(name, journal)];
  const entries = Array.isArray(journal['entries']) ? journal['entries'].filter(isJsonObject) : [];
  const dialect = typeof journal['dialect'] === 'string' ? journal['dialect'] : 'postgresql';
  const names = entries.flatMap((one) => (typeof one['tag'] === 'string' ? [`${one['tag']}.sql`] : []));
  const lost = names.filter((one) => !folder.files.includes(one));
  const there = names.filter((one) => folder.files.includes(one));
  const files = await (foreign(folder, dialect === 'pg' ? 'postgresql' : dialect) ?? plain(folder, there, () => 'file'));
  return [...files, ...lost.map((one) => unreadable(one, 'the journal names it, and it is not there'))];
}

function journalOf(text: string): JsonObject | string {
  try {
    const journal: unknown = JSON.parse(text);
    return isJsonObject(journal) ? journal : 'it is not a JSON object';
  } catch (error) {
    return `it is not JSON: ${messageOf(error)}`;
  }
}
