import { join } from 'node:path';
import { openAccess, type DatabaseAccess, type FolderRequest } from '../../../database/index.ts';
import type { DatabaseDefinition, Definition } from '../../../release/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { App } from '../../compose.ts';
import { text, type Call } from '../spec.ts';

/** The declared database of the chosen environment and the way into it. */
export interface DeclaredDatabase {
  readonly access: DatabaseAccess;
  readonly database: DatabaseDefinition;
}

/** @throws SlipwayError `config_invalid` when slipway.yaml declares none */
export async function declaredDatabase(app: App, definition: Definition): Promise<DeclaredDatabase> {
  const { database } = definition;
  // An empty database inside our own server is part of the state directory; before the first release it may not be there yet.
  if (typeof database?.url === 'object') await app.deps.ensureEmbedded(database.url.embedded);
  const access = await app.deps.databaseFor(app.places.workspace, definition).catch((error: unknown) => {
    if (!(error instanceof SlipwayError) || error.code !== 'secret_missing') throw error;
    // No release waits for it.
    throw new SlipwayError('secret_missing', error.message, {
      cause: error,
      hint: 'Set the variable (or write it into .env), then run the same command again.',
    });
  });
  if (access !== null && database !== null) return { access, database };
  throw new SlipwayError('config_invalid', `slipway.yaml declares no database for ${definition.environment}`, {
    hint: 'Add `database` with `url` or `embedded`.',
  });
}

/** The folder of migrations of slipway.yaml. @throws SlipwayError `config_invalid` when slipway.yaml names none, or a command in its place */
export function migrationsFolder({ database, environment }: Definition, home: string): FolderRequest {
  if (database !== null && database.migrations !== null) {
    const { migrations, history } = database;
    return { directory: join(home, migrations), shown: migrations, ...(history === undefined ? {} : { history }) };
  }
  if (database !== null && database.migrateCommand !== null)
    throw new SlipwayError(
      'config_invalid',
      `In ${environment} the command of database.migrate migrates (${database.migrateCommand.argv.join(' ')}); this reads a folder, and slipway.yaml names none`,
      {
        hint: 'A release runs that command itself, and outside of one you run it as before. For Slipway to read and apply the files, write `database.migrations: FOLDER` in its place: a folder of SQL, or of a tool that docs/migrations.md names.',
      },
    );
  throw new SlipwayError('config_invalid', `slipway.yaml names no folder of migrations for ${environment}`, {
    hint: 'Add `database.migrations`.',
  });
}

/** A URL, or better the name of the variable that holds one: an argument is seen by everybody on the machine. */
export function namedDatabase(call: Call, option: string, shown = `--${option}`): DatabaseAccess | null {
  const given = text(call, option);
  if (given === undefined) return null;
  const url = given.includes('://') ? given : call.environment[given];
  if (url === undefined)
    throw new SlipwayError('secret_missing', `${shown} ${given}: there is no such variable`, {
      hint: 'Give a URL, or the name of a variable that holds one.',
    });
  const access = openAccess(url);
  const { password } = new URL(url);
  call.secrets.add([url, password, decodeURIComponent(password)].filter((one) => one !== ''));
  return access;
}
