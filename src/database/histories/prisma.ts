import { randomUUID } from 'node:crypto';
import type { Recorded, ToolHistory } from './ports.ts';
import { digest, folderOf, isoTime, noObstacle } from './shared.ts';

interface Row {
  readonly name: string;
  readonly checksum: string;
  readonly at: string | null;
}

const OPEN = 'migration_name = $1::text AND finished_at IS NULL AND rolled_back_at IS NULL';

export const prisma: ToolHistory = {
  name: 'prisma',
  title: 'Prisma',
  table: '_prisma_migrations',
  columns: { has: ['id', 'checksum', 'finished_at', 'migration_name', 'rolled_back_at', 'started_at', 'applied_steps_count'], hasNot: [] },
  capabilities: { down: false, beginsEmpty: true },
  programs: null,
  create: (table) => `CREATE TABLE ${table} (id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz,
      migration_name varchar(255) NOT NULL, logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(),
      applied_steps_count integer NOT NULL DEFAULT 0)`,
  locks: () => [72_707_369n],
  markOf: ({ entry }) => entry.key,
  identify: async (path, bytes) => {
    // It takes a file with the other line breaks for the same.
    const lines = Buffer.from(bytes).toString('utf8').replaceAll('\r\n', '\n');
    const checksums = [digest('sha256', bytes), digest('sha256', lines), digest('sha256', lines.replaceAll('\n', '\r\n'))];
    return { key: folderOf(path), path, checksums, repeatable: false };
  },
  obstacle: noObstacle,
  read: async (client, table) => {
    const { rows } = await client.query<Row>(
      `SELECT migration_name AS name, checksum, ${isoTime('finished_at', true)} AS at FROM ${table} WHERE rolled_back_at IS NULL ORDER BY started_at`,
    );
    const repair = (name: string): string =>
      `${name} began and did not end; repair what it left, then say which it is: prisma migrate resolve --applied ${name}, or --rolled-back ${name}`;
    return rows.map(({ name, checksum, at }): Recorded => ({ key: name, checksum, at, broken: at === null ? repair(name) : null }));
  },
  write: async (client, table, { entry, finished }) => {
    if (finished) {
      const ended = await client.query(
        `UPDATE ${table} SET finished_at = clock_timestamp(), applied_steps_count = 1, checksum = $2 WHERE ${OPEN}`,
        [entry.key, entry.checksums[0]],
      );
      if ((ended.rowCount ?? 0) > 0) return;
    }
    await client.query(
      `INSERT INTO ${table} (id, checksum, migration_name, finished_at, applied_steps_count)
       SELECT $4::text, $2::text, $1::text, CASE WHEN $3::boolean THEN clock_timestamp() END, CASE WHEN $3 THEN 1 ELSE 0 END
       WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE ${OPEN})`,
      [entry.key, entry.checksums[0], finished, randomUUID()],
    );
  },
};
