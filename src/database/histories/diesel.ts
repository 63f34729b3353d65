import type { ToolHistory } from './ports.ts';
import { folderOf, isoTime, noObstacle } from './shared.ts';

export const diesel: ToolHistory = {
  name: 'diesel',
  title: 'Diesel',
  table: '__diesel_schema_migrations',
  columns: { has: ['version', 'run_on'], hasNot: [] },
  capabilities: { down: true, beginsEmpty: false },
  programs: null,
  create: (table) =>
    `CREATE TABLE ${table} (version varchar(50) PRIMARY KEY NOT NULL, run_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP)`,
  locks: () => [],
  identify: async (path) => ({
    key: (folderOf(path).split('_')[0] ?? '').replaceAll('-', ''),
    path,
    checksums: [],
    repeatable: false,
  }),
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string; at: string }>(
      `SELECT version AS key, ${isoTime('run_on', false)} AS at FROM ${table} ORDER BY version`,
    );
    return rows.map((row) => ({ ...row, checksum: null, broken: null }));
  },
  write: async (client, table, { entry, direction, finished }) => {
    if (!finished) return;
    await client.query(direction === 'up' ? `INSERT INTO ${table} (version) VALUES ($1)` : `DELETE FROM ${table} WHERE version = $1`, [
      entry.key,
    ]);
  },
};
