import { crc32 } from 'node:zlib';
import type { Recorded, ToolHistory } from './ports.ts';
import { descriptionOf, digest, isoTime, noObstacle, numberOf } from './shared.ts';

const NANOSECONDS_PER_MS = 1_000_000;

export const sqlx: ToolHistory = {
  name: 'sqlx',
  title: 'SQLx',
  table: '_sqlx_migrations',
  columns: { has: ['version', 'description', 'installed_on', 'success', 'checksum', 'execution_time'], hasNot: [] },
  capabilities: { down: true, beginsEmpty: false },
  programs: null,
  create: (
    table,
  ) => `CREATE TABLE ${table} (version bigint PRIMARY KEY, description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(),
      success boolean NOT NULL, checksum bytea NOT NULL, execution_time bigint NOT NULL)`,
  locks: (database) => [0x3d32ad9en * BigInt(crc32(database))],
  markOf: ({ entry }) => entry.key,
  identify: async (path, bytes) => ({ key: numberOf(path), path, checksums: [digest('sha384', bytes)], repeatable: false }),
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<{ key: string; checksum: string; success: boolean; at: string }>(
      `SELECT version::text AS key, encode(checksum, 'hex') AS checksum, success, ${isoTime('installed_on', true)} AS at FROM ${table} ORDER BY version`,
    );
    const repair = (key: string): string =>
      `version ${key} is marked as not successful; repair what it left, then delete its row in _sqlx_migrations, or set success to true if all of it took effect`;
    return rows.map(({ key, checksum, success, at }): Recorded => ({ key, checksum, at, broken: success ? null : repair(key) }));
  },
  write: async (client, table, { entry, direction, finished, durationMs }) => {
    if (direction === 'down' && finished) {
      await client.query(`DELETE FROM ${table} WHERE version = $1`, [entry.key]);
      return;
    }
    // It refuses to do anything while a row says so, as it would not know what the other half is.
    const success = direction === 'up' && finished;
    await client.query(
      `INSERT INTO ${table} (version, description, success, checksum, execution_time) VALUES ($1, $2, $3, decode($4, 'hex'), $5)
       ON CONFLICT (version) DO UPDATE SET success = EXCLUDED.success, checksum = EXCLUDED.checksum, execution_time = EXCLUDED.execution_time`,
      [entry.key, descriptionOf(entry.path), success, entry.checksums[0], success ? Math.round(durationMs * NANOSECONDS_PER_MS) : -1],
    );
  },
};
