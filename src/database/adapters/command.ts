import { SlipwayError } from '../../kernel/index.ts';
import { siblingAccess } from '../access.ts';
import { createEmptyLike } from '../empty-database.ts';
import { secretsOf } from '../errors.ts';
import { hashFiles } from '../manifest.ts';
import { measureWhile } from '../measure.ts';
import type { BackupMethod, BackupTools, RunUserCommand } from '../ports.ts';
import { succeed } from './client-tool.ts';

/**
 * The user's own backup command. It finds DATABASE_URL, SLIPWAY_BACKUP_DIR (an empty folder for what it writes) and
 * SLIPWAY_SNAPSHOT (an exported snapshot; used as `pg_dump --snapshot`, the row counts are exact). Its restore command
 * finds SLIPWAY_RESTORE_DATABASE_URL (an empty database to fill) and SLIPWAY_BACKUP_DIR.
 */
export function commandMethod(tools: BackupTools): BackupMethod {
  const { redact } = tools.effects;
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
    write: async (hold, _key, folder) => {
      const create = configured(command?.create);
      const measured = await measureWhile(hold, async (snapshot) => {
        const env = { DATABASE_URL: hold.access.url, SLIPWAY_BACKUP_DIR: folder, SLIPWAY_SNAPSHOT: snapshot };
        succeed(await create(env, [hold.access.url, ...secretsOf(hold.access)]), 'The backup command', redact);
      });
      const files = await hashFiles(folder);
      if (files.length === 0) {
        const hint = 'Let it write its files there; for a snapshot kept elsewhere, a file with the id of the snapshot.';
        throw new SlipwayError('database_refused', 'The backup command ended well but left no file in SLIPWAY_BACKUP_DIR', { hint });
      }
      return { ...measured, files, location: null, bytes: files.reduce((sum, file) => sum + file.bytes, 0) };
    },
    stillThere: () => Promise.resolve(true),
    materialise: async (hold, _manifest, folder, into) => {
      const restore = configured(command?.restore);
      await createEmptyLike(hold, into);
      const { url } = siblingAccess(hold.access, into);
      const env = { SLIPWAY_RESTORE_DATABASE_URL: url, SLIPWAY_BACKUP_DIR: folder };
      succeed(await restore(env, [url, ...secretsOf(hold.access)]), 'The restore command', redact);
    },
    discard: () => Promise.resolve(),
  };
}

function configured(command: RunUserCommand | null | undefined): RunUserCommand {
  if (command !== null && command !== undefined) return command;
  throw new SlipwayError('config_invalid', 'The backup has no restore command', {
    hint: 'Set database.backup.restore in slipway.yaml.',
  });
}
