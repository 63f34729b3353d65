import {
  checkSurfaces,
  migratedShadow,
  openShadows,
  type DatabaseAccess,
  type SourceFile,
  type SurfaceAnswer,
} from '../../../database/index.ts';
import { SlipwayError, systemClock, systemIds } from '../../../kernel/index.ts';

interface Asked {
  readonly root: string;
  /** Null: those that are found. */
  readonly named: readonly string[] | null;
  /** Migrations that make the schema, or a database that has it. */
  readonly sources: readonly SourceFile[] | DatabaseAccess;
}

/** Where the schema cannot be made, that is the answer for each file. */
export function notAsked(files: readonly string[], error: unknown): readonly SurfaceAnswer[] {
  if (!(error instanceof SlipwayError)) throw error;
  return files.map((file) => ({ file, kind: null, verdict: 'unknown', reason: error.message, differences: [] }));
}

/** Compares files that follow the schema with it, in databases made on a server for that. */
export async function surfacesOn(server: DatabaseAccess, { root, named, sources }: Asked): Promise<readonly SurfaceAnswer[]> {
  const shadows = await openShadows(server, systemIds.release(systemClock.now()));
  try {
    const schema = 'url' in sources ? sources : await migratedShadow(shadows, 'schema', sources, systemClock);
    return await checkSurfaces({ root, named, schema, empty: (name) => shadows.make(name) });
  } finally {
    await shadows.close(false);
  }
}
