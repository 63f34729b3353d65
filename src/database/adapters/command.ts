import { SlipwayError, type ExecResult } from '../../kernel/index.ts';
import { siblingAccess, withClient } from '../access.ts';
import { createBackup } from '../create-backup.ts';
import { createEmptyLike } from '../empty-database.ts';
import { secretsOf } from '../errors.ts';
import { hashFiles } from '../manifest.ts';
import { measure } from '../measure.ts';
import type { BackupMethod, BackupTools } from '../ports.ts';

/**
 * The user's own backup command. It finds DATABASE_URL, SLIPWAY_BACKUP_DIR (an empty folder for what it writes) and
 * SLIPWAY_SNAPSHOT (an exported snapshot; used as `pg_dump --snapshot`, the row counts are exact). Its restore command
 * finds SLIPWAY_RESTORE_DATABASE_URL (an empty database to fill) and SLIPWAY_BACKUP_DIR.
 */
export function commandMethod(tools: BackupTools): BackupMethod {
  const { clock, faults } = tools.effects;
  const { command } = tools;
  return {
    name: 'command',
    capabilities: { needsQuiet: false, canVerify: command?.restore !== null && command !== null },
    available: () =>
      Promise.resolve(
        command === null
          ? { ok: false, reason: 'no backup command is configured', hint: 'Set database.backup.command in slipway.yaml.' }
          : { ok: true },
      ),
    create: (database, key, directory) =>
      createBackup({
        method: 'command',
        access: database,
        key,
        directory,
        clock,
        stillThere: () => Promise.resolve(true),
        write: async () => {
          const measured = await withClient(database, 'counting rows', async (session) => {
            await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
            const { rows } = await session.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
            const env = { DATABASE_URL: database.url, SLIPWAY_BACKUP_DIR: directory, SLIPWAY_SNAPSHOT: rows[0]?.snapshot ?? '' };
            succeed(await tools.run(configured(command?.create), env, secretsOf(database)), 'backup', tools);
            return measure(session);
          });
          const files = await hashFiles(directory);
          if (files.length === 0) {
            const hint = 'Let it write its files there; for a snapshot kept elsewhere, a file with the id of the snapshot.';
            throw new SlipwayError('database_refused', 'The backup command ended well but left no file in SLIPWAY_BACKUP_DIR', { hint });
          }
          faults.at('backup.before-manifest');
          return { ...measured, files, location: null, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
        },
      }),
    materialise: async (database, _manifest, directory, into) => {
      const argv = configured(command?.restore);
      await createEmptyLike(database, into);
      const target = siblingAccess(database, into);
      const env = { SLIPWAY_RESTORE_DATABASE_URL: target.url, SLIPWAY_BACKUP_DIR: directory };
      succeed(await tools.run(argv, env, secretsOf(database)), 'restore', tools);
    },
    discard: () => Promise.resolve(),
  };
}

function configured(argv: readonly string[] | null | undefined): readonly string[] {
  if (argv !== null && argv !== undefined) return argv;
  throw new SlipwayError('config_invalid', 'The backup has no restore command', { hint: 'Set database.backup.command in slipway.yaml.' });
}

function succeed(result: ExecResult, what: string, tools: BackupTools): void {
  if (result.exitCode === 0) return;
  const how = result.timedOut ? 'did not end in time' : `failed (${result.signal ?? `exit ${result.exitCode ?? '?'}`})`;
  throw new SlipwayError('database_refused', tools.effects.redact(`The ${what} command ${how}: ${result.tail.trim()}`));
}
