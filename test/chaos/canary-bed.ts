import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApp, type App } from '../../src/cli/compose.ts';
import { foldEvents, type ReleaseEvent } from '../../src/release/index.ts';
import { agentStatus } from '../../src/server/index.ts';
import { expectSaid } from '../e2e/support/expect.ts';
import { signalOne } from '../support/signal.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from '../e2e/support/small-service.ts';
import { sendUsers, type Answer, type Users } from '../e2e/support/users.ts';

/** The worker dies before a first weight is applied, after that, and before a second is: of a bad canary, that is the way back. */
const POINTS = ['rehearse.recorded', 'route.acted', 'route.intended'] as const;
const LAST_POINT: (typeof POINTS)[number] = 'route.intended';
const FAULTS = 'rehearse.recorded,route.acted,route.intended#2';

const config = {
  strategy: {
    name: 'canary',
    because: 'a test',
    schedule: [
      { weight: '20%', for: '1s' },
      { weight: '50%', for: '1s' },
    ],
    every: '200ms',
    errors: { clean: '10%', warmup: '0s' },
    latency: { clean: '30%', warmup: '0s', 'least-bad': 1_000 },
  },
  metrics: { payments: { from: 'command', run: 'node payments.mjs', every: '1s', clean: '10%', warmup: '0s' } },
  observe: watchFor('1s'),
};

/**
 * Prints counts that grow with time, and runs long enough to be met. None while `holding` is there, once the last fault point has struck:
 * a canary that is good would be through before a killer that stood still comes to its last checkpoint.
 */
const payments = ({ pidFile, holding, once }: Pick<Bed, 'pidFile' | 'holding' | 'once'>): string => `
import { existsSync, writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
const requests = Math.floor((Date.now() % 1e8) / 5);
const isHeld = [${JSON.stringify(holding)}, ${JSON.stringify(join(once, LAST_POINT))}].every((file) => existsSync(file));
const counts = JSON.stringify({ canary: { requests, bad: 0 }, stable: { requests, bad: 0 } });
setTimeout(() => (isHeld ? process.exit(1) : console.log(counts)), 250);
`;

export type Victim = 'worker' | 'agent' | 'haproxy' | 'source';

/** Who is killed when, one after the other. */
export type Kills = Readonly<Record<(typeof POINTS)[number], readonly Victim[]> & Record<string, readonly Victim[]>>;

/** One release among kills. */
export interface Run {
  readonly version: string;
  readonly outcome: string | null;
  readonly events: readonly ReleaseEvent[];
  /** What users were answered since it was asked for. */
  readonly answers: readonly Answer[];
  /** How many there were when something was killed, by the moment. */
  readonly killed: Readonly<Record<string, number>>;
}

/** A small service with steady users, whose releases meet kills. */
export interface CanaryBed {
  readonly service: SmallService;
  /** The version that serves. */
  stable(): string;
  /** Starts the agent anew with this router. */
  useRouter(name: 'embedded' | 'haproxy'): Promise<void>;
  /** Releases the next version and kills at these moments: a fault point, where the worker is dead already, or a step that has begun. */
  release(kills: Kills, options: { readonly good: boolean }): Promise<Run>;
  close(): Promise<void>;
}

export async function makeCanaryBed(): Promise<CanaryBed> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-canary-bed-'));
  const once = join(folder, 'once');
  const [pidFile, holding] = [join(folder, 'payments.pid'), join(folder, 'holding')];
  mkdirSync(once);
  POINTS.forEach((point) => writeFileSync(join(once, point), ''));
  const rig = await makeSmallRig({ variables: { SLIPWAY_FAULT_AT: FAULTS, SLIPWAY_FAULT_ONCE: once } });
  const service = await rig.service('bird');
  await service.commit('1.0.0', { config, files: { 'payments.mjs': payments({ pidFile, holding, once }) } });
  expectSaid(await service.slipway('release'), 0);
  const app = await openApp({ workspace: service.folder, environment: { SLIPWAY_HOME: rig.home }, log: () => undefined });
  const users = sendUsers(service.port, 200);
  const bed: Bed = { rig, service, app, users, once, pidFile, holding };
  let minor = 0;
  let stable = '1.0.0';
  return {
    service,
    stable: () => stable,
    useRouter: async (name) => {
      expectSaid(await service.slipway('agent', 'stop'), 0);
      expectSaid(await service.slipway('agent', 'start', '--router', name), 0);
      await until('users are answered', async () => (await service.served()) === stable);
    },
    release: async (kills, { good }) => {
      const version = `1.${++minor}.0`;
      const run = await releaseAmongKills(bed, kills, { version, good });
      if (run.outcome === 'released') stable = version;
      return run;
    },
    close: async () => {
      await users.stop();
      await app.close();
      await rig.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Bed {
  readonly rig: SmallRig;
  readonly service: SmallService;
  readonly app: App;
  readonly users: Users;
  readonly once: string;
  readonly pidFile: string;
  /** While this file is there, the last checkpoint is not passed. */
  readonly holding: string;
}

interface Wanted {
  readonly version: string;
  readonly good: boolean;
}

async function releaseAmongKills(bed: Bed, kills: Kills, { version, good }: Wanted): Promise<Run> {
  const { rig, service, app, users, once } = bed;
  await service.commit(version, { config, behaviour: good ? {} : { failsEvery: 4 } });
  // A new worker counts how often it passes a fault point from the start.
  const before = await pidOf(bed, 'worker');
  await kill(bed, 'worker');
  await until('there is a new worker', async () => ((await agentStatus(rig.home))?.worker?.pid ?? before) !== before);
  POINTS.forEach((point) => rmSync(join(once, point), { force: true }));
  writeFileSync(bed.holding, '');
  const from = users.answers().length;
  expectSaid(await service.slipway('release', '--detach'), 0);
  const [newest] = await app.opened.store.list({ limit: 1 });
  const id = newest?.release ?? '';
  const killed: Record<string, number> = {};
  const left = new Set(Object.keys(kills));
  for (let over = false; !over;) {
    const { events, summary } = await app.opened.store.load(id);
    for (const moment of left) {
      const isPoint = existsSync(join(once, moment));
      if (!isPoint && !events.some((event) => event.type === 'step.intended' && event.data.step === moment)) continue;
      left.delete(moment);
      for (const victim of kills[moment] ?? []) await kill(bed, victim);
      killed[moment] = users.answers().length - from;
    }
    if (left.size === 0) rmSync(bed.holding, { force: true });
    over = summary.sealed;
    await app.opened.store.changed(id, events.length, AbortSignal.timeout(20));
  }
  const { events } = await app.opened.store.load(id);
  return { version, outcome: foldEvents(events).outcome, events, answers: users.answers().slice(from), killed };
}

/** Kills it as soon as it runs; an agent is started again, as a service manager would do. */
async function kill(bed: Bed, victim: Victim): Promise<void> {
  await until(`a ${victim} is killed`, async () => isKilled(await pidOf(bed, victim), victim));
  if (victim === 'agent') expectSaid(await bed.service.slipway('agent', 'start'), 0);
}

/** False where it does not run, or ended before it was met; nor is somebody else killed who got its number since. */
function isKilled(pid: number, victim: Victim): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(victim === 'source' ? 'payments.mjs' : victim)) return false;
    signalOne(pid);
    return true;
  } catch {
    return false;
  }
}

async function pidOf({ rig, pidFile }: Bed, victim: Victim): Promise<number> {
  switch (victim) {
    case 'worker':
      return (await agentStatus(rig.home))?.worker?.pid ?? -1;
    case 'agent':
      return (await agentStatus(rig.home))?.pid ?? -1;
    case 'haproxy':
      return (JSON.parse(readFileSync(join(rig.home, 'agent', 'haproxy', 'process.json'), 'utf8')) as { readonly pid: number }).pid;
    case 'source':
      return existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : -1;
  }
}
