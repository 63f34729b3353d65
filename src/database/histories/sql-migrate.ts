import type { ToolHistory } from './ports.ts';
import { baseOf, isoTime, noObstacle } from './shared.ts';

export const sqlMigrate: ToolHistory = {
  name: 'sql-migrate',
  title: 'sql-migrate',
  table: 'gorp_migrations',
  columns: { has: ['id', 'applied_at'], hasNot: [] },
  capabilities: { down: true, beginsEmpty: false },
  programs: null,
  create: (table) => `CREATE TABLE ${table} ("id" text NOT NULL PRIMARY KEY, "applied_at" timestamp with time zone)`,
  locks: () => [],
  identify: async (path) => ({ key: baseOf(path), path, checksums: [], repeatable: false }),
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string; at: string | null }>(
      `SELECT id AS key, ${isoTime('applied_at', true)} AS at FROM ${table} ORDER BY id`,
    );
    return rows.map((row) => ({ ...row, checksum: null, broken: null }));
  },
  write: async (client, table, { entry, direction, finished }) => {
    if (!finished) return;
    await client.query(
      direction === 'up' ? `INSERT INTO ${table} (id, applied_at) VALUES ($1, now())` : `DELETE FROM ${table} WHERE id = $1`,
      [entry.key],
    );
  },
};
