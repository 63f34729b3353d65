import type { DatabaseAccess } from '../../../database/index.ts';
import type { DatabaseDefinition, Definition } from '../../../release/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import type { App } from '../../compose.ts';
import type { Call } from '../spec.ts';
import { configOf } from './app.ts';

/** The declared database of the chosen environment and the way into it. */
export interface DeclaredDatabase {
  readonly access: DatabaseAccess;
  readonly definition: Definition;
  readonly database: DatabaseDefinition;
}

/** @throws SlipwayError `config_invalid` when slipway.yaml declares none; as `configOf` */
export async function declaredDatabase(call: Call, app: App): Promise<DeclaredDatabase> {
  const { definition } = await configOf(call);
  const { database } = definition;
  const access = await app.deps.databaseFor(app.places.workspace, definition);
  if (access !== null && database !== null) return { access, definition, database };
  throw new SlipwayError('config_invalid', `slipway.yaml declares no database for ${definition.environment}`, {
    hint: 'Add `database` with `url` or `embedded`.',
  });
}

/** @throws SlipwayError `config_invalid` when slipway.yaml names no folder of migrations */
export function migrationsFolder({ database, environment }: Definition): string {
  if (database !== null && database.migrations !== null) return database.migrations;
  throw new SlipwayError('config_invalid', `slipway.yaml names no folder of migrations for ${environment}`, {
    hint: 'Add `database.migrations`.',
  });
}
