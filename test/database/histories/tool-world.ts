import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { migrationStatus, type MigrationStatus } from '../../../src/database/index.ts';
import { migrationWorld, type MigrationWorld } from '../migration-world.ts';

/** A database and the folder of a tool. */
export interface ToolWorld extends Omit<MigrationWorld, 'files'> {
  /** Writes files, in folders of their own where their names say so. */
  readonly files: (...lists: readonly Readonly<Record<string, string>>[]) => void;
  readonly status: () => Promise<MigrationStatus>;
  /** The refusal of the folder, or of whose history it is. */
  readonly refused: () => Promise<{ readonly message: string; readonly hint: string }>;
}

export function toolWorld(): ToolWorld {
  const world = migrationWorld();
  const status = (): Promise<MigrationStatus> => migrationStatus(world.access(), { directory: world.folder() });
  return {
    ...world,
    request: (more = {}) => world.request({ history: 'auto', ...more }),
    files: (...lists) => {
      for (const [name, text] of lists.flatMap((list) => Object.entries(list))) {
        const path = join(world.folder(), name);
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, text);
      }
    },
    status,
    refused: async () => {
      const error: unknown = await status().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'config_invalid' });
      return error as { message: string; hint: string };
    },
  };
}
