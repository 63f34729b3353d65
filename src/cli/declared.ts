import { backfillNames, contractNames, loadBackfill, loadContract } from '../config/index.ts';
import type { ContractDefinition } from '../database/index.ts';
import type { DeclaredBackfill } from '../release/index.ts';

/** All backfills a source declares, in order. @throws as `loadBackfill` */
export async function readBackfills(folder: string): Promise<readonly DeclaredBackfill[]> {
  const names = await backfillNames(folder);
  return Promise.all(names.map((name) => loadBackfill(folder, name)));
}

/** Everything a source declares to be contracted, in order. @throws as `loadContract` */
export async function readContracts(folder: string): Promise<readonly ContractDefinition[]> {
  const names = await contractNames(folder);
  return Promise.all(names.map((name) => loadContract(folder, name)));
}
