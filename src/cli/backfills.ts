import { backfillNames, loadBackfill } from '../config/index.ts';
import type { DeclaredBackfill } from '../release/index.ts';

/** All backfills a source declares, in order. @throws as `loadBackfill` */
export async function readBackfills(folder: string): Promise<readonly DeclaredBackfill[]> {
  const names = await backfillNames(folder);
  return Promise.all(names.map((name) => loadBackfill(folder, name)));
}
