import type { ToolHistory } from './ports.ts';
import { baseOf, isoTime, noObstacle } from './shared.ts';

export const nodePgMigrate: ToolHistory = {
  name: 'node-pg-migrate',
  title: 'node-pg-migrate',
  table: 'pgmigrations',
  columns: { has: ['id', 'name', 'run_on'], hasNot: [] },
  capabilities: { down: true, beginsEmpty: false },
  programs: /^\d+[^/]*(?<!\.d)\.[cm]?[jt]s$/,
  // Two files for the two ways are one migration to its loader "sql".
  fits: (files) => files.some((name) => name.endsWith('.up.sql')),
  create: (table) => `CREATE TABLE ${table} (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)`,
  locks: () => [7_241_865_325_823_964n],
  identify: async (path) => ({ key: baseOf(path).replace(/\.(?:up|down)\.sql$|\.[^.]+$/, ''), path, checksums: [], repeatable: false }),
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string; at: string }>(
      `SELECT name AS key, ${isoTime('run_on', false)} AS at FROM ${table} ORDER BY run_on, id`,
    );
    return rows.map((row) => ({ ...row, checksum: null, broken: null }));
  },
  write: async (client, table, { entry, direction, finished }) => {
    if (!finished) return;
    await client.query(
      direction === 'up' ? `INSERT INTO ${table} (name, run_on) VALUES ($1, now())` : `DELETE FROM ${table} WHERE name = $1`,
      [entry.key],
    );
  },
};
