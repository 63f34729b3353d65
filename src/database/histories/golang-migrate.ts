import { crc32 } from 'node:zlib';
import type { Change, Recorded, ToolHistory } from './ports.ts';
import { noObstacle, numberOf } from './shared.ts';

const SALT = 1_486_364_155;
/** What its table holds when a way back to before the first migration is under way. */
const NONE = '-1';

const lockOf = (database: string, schema: string): bigint =>
  BigInt(Math.imul(crc32([schema, 'schema_migrations', database].join('\0')), SALT) >>> 0);

/** The version that a migration leads to. */
const reached = ({ entry, before, direction }: Pick<Change, 'entry' | 'before' | 'direction'>): string =>
  direction === 'up' ? entry.key : (before?.key ?? NONE);

export const golangMigrate: ToolHistory = {
  name: 'golang-migrate',
  title: 'golang-migrate',
  table: 'schema_migrations',
  columns: { has: ['version', 'dirty'], hasNot: [] },
  capabilities: { down: true, beginsEmpty: false },
  programs: null,
  fits: (files) => files.some((name) => name.endsWith('.up.sql')),
  create: (table) => `CREATE TABLE ${table} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)`,
  // Its command takes the path of the URL for the name of the database, programs that use it as a library give the name.
  locks: (database, schema) => [lockOf(`/${database}`, schema), lockOf(database, schema)],
  markOf: reached,
  identify: async (path) => ({ key: numberOf(path), path, checksums: [], repeatable: false }),
  obstacle: noObstacle,
  /** It only keeps the newest: everything up to it is applied. */
  read: async (client, table, entries) => {
    const { rows } = await client.query<{ version: string; dirty: boolean }>(`SELECT version::text, dirty FROM ${table} LIMIT 1`);
    const [row] = rows;
    if (row === undefined) return [];
    const { version, dirty } = row;
    const repair = `the database is dirty at version ${version}: a migration ended in the middle; repair what it left, then run: migrate force VERSION, with the version that is really reached`;
    const older = entries.map(({ key }) => key).filter((key) => BigInt(key) < BigInt(version));
    return [
      ...older.map((key): Recorded => ({ key, checksum: null, at: null, broken: null })),
      ...(version === NONE && !dirty ? [] : [{ key: version, checksum: null, at: null, broken: dirty ? repair : null }]),
    ];
  },
  write: async (client, table, change) => {
    const { finished } = change;
    const version = reached(change);
    await client.query(`DELETE FROM ${table}`);
    if (version !== NONE || !finished) await client.query(`INSERT INTO ${table} (version, dirty) VALUES ($1, $2)`, [version, !finished]);
  },
};
