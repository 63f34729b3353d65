import {
  applyMigrations,
  chooseMethod,
  createBackup,
  downMigrations,
  openAccess,
  readManifest,
  restoreBackup,
  verifyBackup,
  type DatabaseEffects,
} from '../../src/database/index.ts';
import { tools } from './support.ts';

/** One piece of work that a crash test runs in a process of its own, kills, and then runs to its end. */
export interface Work {
  readonly verb: 'apply' | 'down' | 'backup' | 'verify' | 'restore';
  readonly url: string;
  readonly directory: string;
  readonly method: 'template' | 'pg_dump';
  readonly fence: number;
}

export async function perform({ verb, url, directory, method: wanted, fence }: Work, effects: DatabaseEffects): Promise<unknown> {
  const access = openAccess(url);
  const migrate = {
    access,
    directory,
    history: 'slipway' as const,
    release: 'r',
    fence,
    lockTimeoutMs: 500,
    statementTimeoutMs: 20_000,
    effects,
  };
  if (verb === 'apply') return applyMigrations(migrate);
  if (verb === 'down') return downMigrations({ ...migrate, names: ['2_b', '3_c'] });
  const method = await chooseMethod(access, wanted, { ...tools, effects });
  if (verb === 'backup') return createBackup({ access, method, key: 'k', directory, fence, effects });
  const manifest = await readManifest(directory);
  const request = { access, manifest, method, directory, effects, fence };
  return verb === 'verify' ? verifyBackup(request) : restoreBackup({ ...request, key: 'k' });
}
