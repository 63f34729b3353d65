import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { eventually, LEASE } from '../store/support.ts';
import { inProcess, scratch, slipway as built, type Ran } from './support.ts';

const home = scratch();
const folder = path.join(home.path, 'shop');
const env = { SLIPWAY_HOME: path.join(home.path, 'state'), SLIPWAY_ACTOR: 'ann' };
const FLAG = 'release_checkout';
let opened: OpenStore;

const slipway = (...args: readonly string[]): Promise<Ran> => inProcess(['-C', folder, ...args], env);
const ramp = (...args: readonly string[]): Promise<Ran> => slipway('ramp', ...args);
const create = (key: string): Promise<Ran> => slipway('flag', 'create', key, '--type', 'release', '--owner', 'shop', '--expires', '90d');

interface Told {
  readonly status: string;
  readonly step: { readonly number: number; readonly of: number; readonly what: string } | null;
  readonly next: { readonly step: string | null; readonly at: string | null } | null;
  readonly gate: { readonly verdict: string; readonly reason: string } | null;
  readonly paused: { readonly reason: string; readonly by: string } | null;
  readonly outcome: { readonly outcome: string; readonly reason: string } | null;
}

async function told(): Promise<Told | undefined> {
  const { ramps } = JSON.parse((await ramp('status', FLAG, '--json')).out) as { readonly ramps: readonly Told[] };
  return ramps[0];
}

/** Asks as a person would, until it is so. */
const until = (what: string, holds: (one: Told) => boolean): Promise<Told> =>
  eventually(
    what,
    async () => {
      const one = await told();
      return one !== undefined && holds(one) && one;
    },
    60_000,
  );

/** What the gate of the ramp reads: the latency of those who have the variant. */
const latency = (value: number): void => writeFileSync(path.join(folder, 'reading.json'), JSON.stringify({ canary: value, stable: 0.1 }));

beforeAll(async () => {
  mkdirSync(path.join(folder, 'ramps'), { recursive: true });
  mkdirSync(env.SLIPWAY_HOME);
  writeFileSync(path.join(folder, 'slipway.yaml'), 'service: shop\nprocesses: { worker: { run: node worker.js } }\n');
  const guards = 'guards: { latency: { from: command, run: cat reading.json, every: 1s, above: 0.5 } }';
  const steps = 'steps: [internal for 1s, 10% for 1h, 50% for 1h, 100%]';
  writeFileSync(path.join(folder, 'ramps', 'checkout.yaml'), `flag: ${FLAG}\ninternal: staff\n${steps}\nevery: 1s\n${guards}\n`);
  latency(0.1);
  opened = await openStore({ home: env.SLIPWAY_HOME, node: 'here:ramps', clock: systemClock, lease: LEASE });
  // With its worker, as users have it: what `ramp start` would start by itself.
  await eventually('an agent', () => built(['-C', folder, 'agent', 'start'], { env }).exit === 0, 120_000);
});
afterAll(async () => {
  await slipway('agent', 'stop', '--all');
  const { embedded } = opened;
  await opened.close();
  await embedded?.stop('fast');
  home.remove();
});

describe('ramps on the command line', () => {
  it('are not started where they make no sense, and nothing is begun then', async () => {
    const steps = ['--steps', 'internal, 100%', '--reason', 'x'];
    expect(await ramp('start', '--file', 'checkout')).toMatchObject({ exit: 2, err: expect.stringContaining('needs a reason') });
    expect(await ramp('start', FLAG, '--reason', 'x')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('Name a flag and its steps'),
    });
    expect(await ramp('start', FLAG, '--file', 'checkout', '--reason', 'x')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--file says'),
    });
    expect(await ramp('start', '--file', 'none', '--reason', 'x')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('ramps/none.yaml'),
    });
    expect(await ramp('start', FLAG, ...steps)).toMatchObject({ exit: 2, err: expect.stringContaining('nothing would judge it') });
    expect(await ramp('start', '--file', 'checkout', '--reason', 'x')).toMatchObject({
      exit: 3,
      err: expect.stringContaining(`There is no flag ${FLAG}`),
    });
    await create(FLAG);
    expect(await ramp('start', '--file', 'checkout', '--reason', 'x')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('no segment "staff"'),
    });
    await slipway('flag', 'segment', 'staff', '--when', '{ attribute: staff, operator: eq, value: true }');
    await slipway('flag', 'kill', FLAG, '--reason', 'it burns', '--within', '10ms');
    await slipway('flag', 'set', FLAG, '--description', 'changed after its kill');
    expect(await ramp('start', '--file', 'checkout', '--reason', 'x')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/killed by ann.*it burns/),
    });
    await slipway('flag', 'unkill', FLAG, '--reason', 'repaired', '--within', '10ms');
    // A person's rule of the name that the ramp needs would be lost, and whom it serves would get something else.
    await slipway('flag', 'target', FLAG, '--rule', 'ramp', '--when', '{ attribute: plan, eq: free }', '--serve', 'off');
    expect(await ramp('start', '--file', 'checkout', '--reason', 'x')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/its rule "ramp" was written by ann at 20.*`slipway flag target release_checkout -e dev --remove ramp`/),
    });
    await slipway('flag', 'target', FLAG, '--remove', 'ramp');
    // Its gate would ask about a version of the service, and none was ever released.
    const web = path.join(home.path, 'web');
    mkdirSync(web);
    writeFileSync(path.join(web, 'slipway.yaml'), 'service: web\nlisten: 127.0.0.1:8099\nrun: node server.js\n');
    expect(await inProcess(['-C', web, 'ramp', 'start', FLAG, ...steps, '--internal', 'staff'], env)).toMatchObject({
      exit: 4,
      err: expect.stringContaining('no version of web serves in dev, and its gate asks about that: its failed requests'),
    });
    expect(await ramp('status')).toMatchObject({ exit: 0, out: expect.stringContaining('There is no ramp in dev') });
    expect(await ramp('status', FLAG)).toMatchObject({ exit: 3 });
    expect(await ramp('pause', FLAG)).toMatchObject({ exit: 3, err: expect.stringContaining('has no ramp in dev') });
  });

  it('go on, are paused, resumed and taken back, and end when their gate fails', async () => {
    const started = await ramp('start', '--file', 'checkout', '--reason', 'new checkout');
    expect(started).toMatchObject({
      exit: 0,
      out: expect.stringContaining('new checkout (ann, ramp'),
    });
    expect(await ramp('start', '--file', 'checkout', '--reason', 'again')).toMatchObject({
      exit: 5,
      err: expect.stringContaining('under way'),
    });
    const tenth = await until('10 %', ({ step }) => step?.number === 2);
    expect(tenth).toMatchObject({
      status: 'running',
      step: { of: 4, what: '10 % for 1h' },
      next: { step: expect.stringContaining('50 %') },
    });
    expect((await slipway('flag', 'show', FLAG)).out).toMatch(/ramp: .*segment staff.*in 10%/);
    await until('a look', ({ gate }) => gate?.verdict === 'pass');

    expect(await ramp('resume', FLAG)).toMatchObject({ exit: 4, err: expect.stringContaining('it is not paused') });
    expect(await ramp('pause', FLAG, '--reason', 'looking at a graph')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('Recorded: pause'),
    });
    const paused = await until('the pause', (view) => view.paused !== null);
    expect(paused.paused).toMatchObject({ reason: 'looking at a graph', by: 'ann' });
    expect(paused.next).toEqual({ step: expect.stringContaining('50 %'), at: null });
    const { out } = await ramp('status', FLAG);
    expect(out).toMatch(/status +paused since 20\S+Z by ann: looking at a graph\n/);
    expect(out).toMatch(new RegExp(`next +50 % .*, but not while it is paused: \`slipway ramp resume ${FLAG} --env dev\` goes on\\n`));
    expect(await ramp('pause', FLAG)).toMatchObject({ exit: 4, err: expect.stringContaining('it is paused: looking at a graph') });
    expect(await ramp('promote', FLAG)).toMatchObject({ exit: 4, err: expect.stringContaining('`slipway ramp resume` first') });
    await ramp('resume', FLAG, '--reason', 'all well');
    await until('it goes on', ({ status }) => status === 'running');

    await ramp('promote', FLAG, '--reason', 'nobody comes at night');
    expect(await until('50 %', ({ step }) => step?.number === 3)).toMatchObject({ step: { what: '50 % for 1h' } });
    await ramp('back', FLAG, '--reason', 'support is overrun');
    expect(await until('one back', ({ step, paused }) => step?.number === 2 && paused !== null)).toMatchObject({ status: 'paused' });

    // Paused, it is judged on.
    latency(0.9);
    const ended = await until('the end', ({ outcome }) => outcome !== null);
    expect(ended).toMatchObject({ status: 'reversed', outcome: { outcome: 'reversed', reason: expect.stringContaining('latency') } });
    expect((await slipway('flag', 'show', FLAG)).out).toMatch(/killed by ramp/);
    for (const wish of ['pause', 'resume', 'back', 'promote', 'cancel'])
      expect(await ramp(wish, FLAG)).toMatchObject({ exit: 4, err: expect.stringContaining('it is over: reversed') });
    expect((await ramp('status', FLAG)).out).toMatch(/status +reversed\n[^]*steps +internal for 1s, 10 % for 1h, 50 % for 1h, 100 %/);
  });

  it('are told to stand still when no worker is left', async () => {
    latency(0.1);
    await slipway('flag', 'unkill', FLAG, '--reason', 'repaired', '--within', '10ms');
    await slipway('flag', 'off', FLAG);
    expect(await ramp('start', '--file', 'checkout', '--reason', 'once more')).toMatchObject({ exit: 0 });
    await until('10 %', ({ step }) => step?.number === 2);
    expect((await ramp('status', FLAG)).err).toBe('');
    await slipway('agent', 'stop', '--all');
    expect(await ramp('status', FLAG)).toMatchObject({ exit: 0, err: expect.stringContaining('no agent with a worker runs here') });
    expect(await ramp('pause', FLAG)).toMatchObject({ exit: 0, err: expect.stringContaining('no agent with a worker runs here') });
  });
});
