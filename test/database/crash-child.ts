import { applyMigrations, chooseMethod, downMigrations, openAccess, readManifest, restoreBackup, verifyBackup } from '../../src/database/index.ts';
import { createFaults } from '../../src/kernel/index.ts';
import { effects as plain, tools as plainTools } from './support.ts';

/** One piece of work in a process of its own, so that a fault point can kill it. */
export interface Work {
  readonly verb: 'apply' | 'down' | 'backup' | 'verify' | 'restore';
  readonly url: string;
  readonly directory: string;
  readonly method: 'template' | 'pg_dump';
  readonly fence: number;
}

const work = JSON.parse(process.argv[2] ?? '{}') as Work;
const effects = { ...plain, faults: createFaults(process.env) };
const tools = { ...plainTools, effects };
const access = openAccess(work.url);
const { directory, fence } = work;

async function run(): Promise<unknown> {
  const migrate = { access, directory, release: 'r', fence, lockTimeoutMs: 500, statementTimeoutMs: 20_000, effects };
  if (work.verb === 'apply') return applyMigrations(migrate);
  if (work.verb === 'down') return downMigrations({ ...migrate, names: ['2_b', '3_c'] });
  const method = await chooseMethod(access, work.method, tools);
  if (work.verb === 'backup') return method.create(access, 'k', directory);
  const manifest = await readManifest(directory);
  const request = { access, manifest, method, directory, effects };
  return work.verb === 'verify' ? verifyBackup(request) : restoreBackup({ ...request, key: 'k', fence });
}

process.stdout.write(JSON.stringify(await run()));
