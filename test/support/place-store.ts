import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { locateBinaries } from '../../src/store/embedded/binaries.ts';
import { chooseIdentity } from '../../src/store/embedded/identity.ts';
import { initialise } from '../../src/store/embedded/initialise.ts';
import type { Embedded } from '../../src/store/index.ts';
import { onceInRun } from './run-folder.ts';

/**
 * Gives a state directory the empty data folder that Slipway would make at its first start, without the two seconds that
 * takes. Nothing is forced to disk: whoever is killed in a test loses no more for it, only a machine would.
 */
export async function placeStore(home: string): Promise<void> {
  const store = join(home, 'store');
  const data = join(store, 'pg');
  if (existsSync(data)) return;
  mkdirSync(store, { recursive: true, mode: 0o711 });
  await onceInRun('store', data, async () => {
    const binaries = locateBinaries(join(store, 'lib'));
    await initialise({ binaries, identity: chooseIdentity([binaries.postgres, data], null) }, data);
    appendFileSync(join(data, 'postgresql.auto.conf'), 'fsync = off\n');
  });
}

/** Stops the server of a store that nobody needs any more; the folder of its socket, which is not in the state directory, goes too. */
export async function endStore(embedded: Embedded | null): Promise<void> {
  if (embedded === null) return;
  await embedded.stop('immediate');
  rmSync(embedded.socketDirectory, { recursive: true, force: true });
}
