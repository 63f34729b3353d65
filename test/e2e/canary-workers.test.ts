import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** Works through jobs, and counts them in a file of its own. */
const WORKER = `
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
const { failsEvery = Infinity } = JSON.parse(readFileSync('behaviour.json', 'utf8'));
const file = process.env.JOBS + '/' + process.env.SLIPWAY_VERSION + '-' + process.pid + '.json';
const part = process.env.PARTS + '/' + process.pid;
process.on('SIGTERM', () => { rmSync(part, { force: true }); process.exit(0); });
writeFileSync(part, process.env.SLIPWAY_PARTITION + ' of ' + process.env.SLIPWAY_PARTITIONS);
let [requests, bad] = [0, 0];
setInterval(() => {
  requests += 25;
  if (requests % failsEvery === 0) bad += 1;
  // Whole, or not there yet: half a file would be jobs that were never done.
  writeFileSync(file + '.next', JSON.stringify({ requests, bad }));
  renameSync(file + '.next', file);
}, 50);
`;

/** What all workers of a version have done, also those that are gone; nothing is told while the file `silent` is there. */
const COUNTS = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
if (existsSync(process.argv[2] + '/silent')) process.exit(1);
const [folder, canary, stable] = [process.argv[2], process.env.SLIPWAY_CANARY_VERSION, process.env.SLIPWAY_STABLE_VERSION];
const read = (file) => { try { return JSON.parse(readFileSync(folder + '/' + file, 'utf8')); } catch { return null; } };
const sum = (version) => readdirSync(folder).filter((file) => file.startsWith(version + '-') && file.endsWith('.json')).map(read).reduce(
  (all, one) => ({ requests: all.requests + (one?.requests ?? 0), bad: all.bad + (one?.bad ?? 0) }), { requests: 0, bad: 0 });
console.log(JSON.stringify({ canary: sum(canary), stable: sum(stable) }));
`;

/** A service that takes no traffic: four workers of one queue. */
describe('a canary of queue workers', () => {
  let rig: SmallRig;
  let service: SmallService;
  let config: Readonly<Record<string, unknown>>;
  let jobs: string;
  let parts: string;
  const eachPartOnce = async (): Promise<boolean> => {
    const taken = await Promise.all((await readdir(parts)).map((file) => readFile(join(parts, file), 'utf8').catch(() => '')));
    return taken.toSorted().join() === '0 of 4,1 of 4,2 of 4,3 of 4';
  };
  const commit = (version: string, behaviour: object = {}): Promise<void> =>
    service.commit(version, { config, behaviour, files: { 'worker.js': WORKER, 'jobs.mjs': COUNTS } });
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('queue');
    jobs = join(rig.folder, 'jobs');
    parts = join(rig.folder, 'parts');
    await mkdir(jobs);
    await mkdir(parts);
    config = {
      listen: null,
      processes: {
        worker: {
          run: 'node worker.js',
          instances: 4,
          health: { alive: '300ms' },
          // Whoever is killed leaves its part behind.
          'stop-grace': '30s',
          env: { JOBS: jobs, PARTS: parts },
        },
      },
      smoke: { read: { none: 'it only works' }, worker: [{ run: 'node --version' }] },
      strategy: {
        name: 'canary',
        because: 'a test',
        schedule: [
          { weight: '25%', for: '1s' },
          { weight: '50%', for: '1s' },
        ],
        every: '200ms',
      },
      metrics: { jobs: { from: 'command', run: ['node', 'jobs.mjs', jobs], every: '1s', clean: '2%', warmup: '0s' } },
    };
    await commit('1.0.0');
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('gets its share by instances, and all when its jobs are no worse', async () => {
    await commit('1.1.0');
    // Held for want of counts until it was looked at.
    await writeFile(join(jobs, 'silent'), '');
    const released = service.slipway('release', '--json');
    await until('a quarter of them are new', async () => {
      const { running } = await service.status();
      return running.join() === '1.0.0 ready,1.0.0 ready,1.0.0 ready,1.1.0 ready';
    });
    await until('each part has one worker', eachPartOnce);
    await rm(join(jobs, 'silent'));
    const ran = await released;
    expectSaid(ran, 0);
    const begun = [...ran.stdout.matchAll(/"type":"step.intended".*?"step":"(deploy\.[^"]+)"/g)].map(([, step]) => step);
    expect([...new Set(begun)]).toEqual([
      'deploy.start',
      'deploy.retire-25',
      'deploy.judge-25',
      'deploy.workers-50',
      'deploy.retire-50',
      'deploy.judge-50',
      'deploy.workers-100',
      'deploy.quiet-old',
    ]);
    expect(await service.status()).toMatchObject({ serving: '1.1.0', running: Array.from({ length: 4 }, () => '1.1.0 ready') });
  }, 180_000);

  it('is taken back when its jobs fail, before it got more of them', async () => {
    await commit('1.2.0', { failsEvery: 50 });
    const ran = await service.slipway('release', '--json');
    expectSaid(ran, 11, /jobs/);
    expect(ran.stdout).not.toContain('"deploy.workers-50","stage"');
    expect(await service.status()).toMatchObject({ serving: '1.1.0', running: Array.from({ length: 4 }, () => '1.1.0 ready') });
  }, 180_000);
});
