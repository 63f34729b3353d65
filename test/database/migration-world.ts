import type { ApplyRequest } from '../../src/database/index.ts';
import { databaseWorld, type DatabaseWorld } from './database-world.ts';
import { effects, writeMigrations } from './support.ts';

/** A database and a folder of migrations for it. */
export interface MigrationWorld extends DatabaseWorld {
  readonly request: (more?: Partial<ApplyRequest>) => ApplyRequest;
  readonly files: (list: Readonly<Record<string, string>>) => void;
}

export function migrationWorld(): MigrationWorld {
  const world = databaseWorld();
  return {
    ...world,
    request: (more = {}) => ({
      access: world.access(),
      directory: world.folder(),
      // Most tests make tables first.
      history: 'slipway',
      release: 'r1',
      fence: 1,
      lockTimeoutMs: 100,
      statementTimeoutMs: 20_000,
      effects,
      lockRetries: 1,
      waitMs: 10_000,
      onProgress: (line) => world.lines.push(line),
      ...more,
    }),
    files: (list) => void writeMigrations(world.folder(), list),
  };
}
