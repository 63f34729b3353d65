import type { ToolHistory } from './ports.ts';
import { baseOf, noObstacle } from './shared.ts';

export const dbmate: ToolHistory = {
  name: 'dbmate',
  title: 'dbmate',
  table: 'schema_migrations',
  columns: { has: ['version'], hasNot: ['dirty', 'inserted_at'] },
  capabilities: { down: true, beginsEmpty: false },
  programs: null,
  create: (table) => `CREATE TABLE ${table} (version varchar PRIMARY KEY)`,
  locks: () => [],
  identify: async (path) => ({ key: /^\d+/.exec(baseOf(path))?.[0] ?? '', path, checksums: [], repeatable: false }),
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string }>(`SELECT version AS key FROM ${table} ORDER BY version`);
    return rows.map((row) => ({ ...row, checksum: null, at: null, broken: null }));
  },
  write: async (client, table, { entry, direction, finished }) => {
    if (!finished) return;
    await client.query(direction === 'up' ? `INSERT INTO ${table} (version) VALUES ($1)` : `DELETE FROM ${table} WHERE version = $1`, [
      entry.key,
    ]);
  },
};
