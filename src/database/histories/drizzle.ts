import { isJsonObject } from '../../kernel/index.ts';
import type { ToolHistory } from './ports.ts';
import { baseOf, digest, noObstacle } from './shared.ts';

export const drizzle: ToolHistory = {
  name: 'drizzle',
  title: 'Drizzle',
  table: 'drizzle.__drizzle_migrations',
  columns: { has: ['hash', 'created_at'], hasNot: [] },
  capabilities: { down: false, beginsEmpty: false },
  programs: null,
  create: (table) =>
    `CREATE SCHEMA IF NOT EXISTS drizzle; CREATE TABLE ${table} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)`,
  locks: () => [],
  // Its journal says when a migration was made, and that is all it knows an applied one by.
  identify: async (path, bytes, folder) => {
    const read = await folder.text('meta/_journal.json');
    const journal: unknown = read.ok ? JSON.parse(read.text) : {};
    const entries = isJsonObject(journal) && Array.isArray(journal['entries']) ? journal['entries'].filter(isJsonObject) : [];
    const when = entries.find(({ tag }) => tag === baseOf(path).replace(/\.sql$/, ''))?.['when'];
    return { key: typeof when === 'number' ? `${when}` : path, path, checksums: [digest('sha256', bytes)], repeatable: false };
  },
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string; checksum: string }>(
      `SELECT created_at::text AS key, hash AS checksum FROM ${table} ORDER BY created_at, id`,
    );
    // It keeps when a migration was made, and not when it was applied.
    return rows.map((row) => ({ ...row, at: null, broken: null }));
  },
  write: async (client, table, { entry, finished }) => {
    if (finished) await client.query(`INSERT INTO ${table} (hash, created_at) VALUES ($1, $2)`, [entry.checksums[0], entry.key]);
  },
};
