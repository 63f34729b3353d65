import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, thisDriver, type OpenStore } from '../../src/store/index.ts';
import { isOpenToOthers, LEASE } from '../store/support.ts';
import { aPlan } from '../support/plan.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { inProcess, MAIN, scratch, type Ran } from './support.ts';

const place = scratch();
chmodSync(place.path, 0o755);
/** Nobody can make a folder below a file, root neither. */
const file = join(place.path, 'file');
const folder = join(place.path, 'empty');
const closed = join(place.path, 'closed');
let server: TestPostgres;
let store: string;

beforeAll(async () => {
  writeFileSync(file, '');
  mkdirSync(folder);
  mkdirSync(closed);
  server = await startPostgres();
  store = await server.create('store');
});
afterAll(async () => {
  await server.stop();
  chmodSync(closed, 0o755);
  place.remove();
});

const NEW = ['--type', 'ops', '--owner', 'shop'];

/** Every command about flags, tokens and ramps that opens the store, but for those that write files for the user. */
const COMMANDS: readonly (readonly [args: readonly string[], exit: number])[] = [
  [['flag', 'create', 'ops_a', ...NEW], 0],
  [['flag', 'list'], 0],
  [['flag', 'show', 'ops_a'], 0],
  [['flag', 'on', 'ops_a'], 0],
  [['flag', 'set', 'ops_a', '--percentage', '25'], 0],
  [['flag', 'explain', 'ops_a', '--context', '{}'], 0],
  [['flag', 'kill', 'ops_a', '--reason', 'x', '--within', '1s'], 19],
  [['flag', 'unkill', 'ops_a', '--reason', 'x', '--within', '1s'], 19],
  [['flag', 'history'], 0],
  [['flag', 'stale'], 0],
  [['flag', 'servers'], 0],
  [['token', 'create', '--scope', 'kill'], 0],
  [['token', 'list'], 0],
  [['token', 'history'], 0],
  [['flag', 'reasons'], 0],
  [['ramp', 'status'], 0],
];

const onServer = (where: string, state: string | undefined, ...args: readonly string[]): Promise<Ran> =>
  inProcess(['-C', where, ...args], { SLIPWAY_DATABASE_URL: store, SLIPWAY_HOME: state, SLIPWAY_ACTOR: 'ann' });

describe('with the store on a server, commands about flags, tokens and ramps', () => {
  it('need no state directory', async () => {
    for (const [args, exit] of COMMANDS) {
      const ran = await onServer(folder, join(file, 'state'), ...args);
      expect([args, ran]).toEqual([args, { exit, out: expect.any(String), err: expect.not.stringContaining('error') }]);
    }
  });

  it('leave nothing in the folder they are called in', async () => {
    for (const args of [
      ['flag', 'create', 'ops_b', ...NEW],
      ['flag', 'list'],
      ['token', 'list'],
      ['ramp', 'status'],
    ])
      expect(await onServer(folder, undefined, ...args)).toMatchObject({ exit: 0 });
    await onServer(folder, undefined, 'doctor');
    expect(readdirSync(folder)).toEqual([]);
  });

  // The program is run as the user who may enter the folder of the server's socket: root never is.
  it.runIf(process.getuid?.() !== 0 || isOpenToOthers(import.meta.dirname))('work where that user may not write', async () => {
    expect(await onServer(folder, undefined, 'flag', 'create', 'ops_c', ...NEW)).toMatchObject({ exit: 0 });
    expect(await onServer(folder, undefined, 'flag', 'on', 'ops_c')).toMatchObject({ exit: 0 });
    chmodSync(closed, 0o555);
    const { uid, gid } = statSync(server.socketDirectory);
    const env = { PATH: process.env['PATH'], SLIPWAY_DATABASE_URL: store, SLIPWAY_ACTOR: 'ann' };
    const args = ['flag', 'kill', 'ops_c', '--reason', 'errors', '--within', '1s'];
    const options = { cwd: closed, env, uid, gid, encoding: 'utf8', timeout: 60_000 } as const;
    const { status, stdout } = spawnSync(process.execPath, [MAIN, ...args], options);
    expect({ status, stdout }).toEqual({ status: 19, stdout: expect.stringContaining('ops_c is off in dev') });
    expect(readdirSync(closed)).toEqual([]);
  });
});

describe('with the store on a server, what looks at releases or says what is wished of them', () => {
  let opened: OpenStore;
  const submit = async (release: string, environment: string): Promise<void> => {
    const plan = aPlan({ release });
    await opened.store.submit({ plan: { ...plan, environment }, actor: 'ann', wait: true });
  };
  beforeAll(async () => {
    opened = await openStore({ home: place.path, url: store, node: 'elsewhere', clock: systemClock, lease: LEASE });
    await submit('01aaa1', 'dev');
    await submit('01bbb1', 'stg');
    const claim = await opened.store.claim('01bbb1', thisDriver('test'));
    if (claim === null) throw new Error('the claim is free');
    await opened.store.acquireLock(claim);
    await opened.store.append(claim, [{ type: 'release.finished', data: { outcome: 'unchanged', reason: 'aborted' } }]);
    await opened.store.seal(claim, 'checkpoint');
  });
  afterAll(() => opened.close());

  it.each<readonly [args: readonly string[], exit: number]>([
    [['list'], 0],
    [['status'], 0],
    [['show', '01aaa1'], 0],
    [['watch', '01bbb1'], 10],
    [['replay', '01bbb1'], 4],
    [['simulate', '--from', '01bbb1'], 4],
    [['evidence', 'verify', '--env', 'stg'], 4],
    [['pause', '01aaa1', '--reason', 'x'], 0],
    [['resume', '01aaa1'], 0],
    [['rollback', '01aaa1'], 4],
    [['abort', '01aaa1', '--reason', 'x'], 0],
  ])('%j needs no state directory', async (args, exit) => {
    expect(await onServer(folder, join(file, 'state'), ...args)).toMatchObject({
      exit,
      err: expect.not.stringContaining('state directory'),
    });
  });

  it('shows the rows of the store, though no log and no agent is here, and leaves nothing in the folder', async () => {
    const { out } = await onServer(folder, join(file, 'state'), 'list', '--json');
    const { releases } = JSON.parse(out) as { readonly releases: readonly { readonly release: string }[] };
    expect(releases.map(({ release }) => release).toSorted()).toEqual(['01aaa1', '01bbb1']);
    for (const args of [['list'], ['status'], ['show', '01aaa1']])
      expect(await onServer(folder, undefined, ...args)).toMatchObject({ exit: 0 });
    expect(readdirSync(folder)).toEqual([]);
    expect(await onServer(folder, join(file, 'state'), 'show', '01aaa1', '--log', 'verify.smoke')).toMatchObject({
      exit: 3,
      err: expect.stringContaining('has no log on this machine'),
    });
  });
});

describe('what needs a state directory that cannot be made', () => {
  const state = join(file, 'state');
  const refused = {
    exit: 21,
    out: '',
    err: expect.stringMatching(/^error: Nothing was done: it needs the state directory .*ENOTDIR.*\nhint: Set SLIPWAY_HOME .*\n$/),
  };

  it('says that nothing was done: without a server', async () => {
    for (const args of [
      ['flag', 'kill', 'ops_a', '--reason', 'x'],
      ['flag', 'create', 'ops_d', ...NEW],
      ['agent', 'start'],
    ])
      expect([args, await inProcess(['-C', folder, ...args], { SLIPWAY_HOME: state })]).toEqual([args, refused]);
  });

  it('says that nothing was done: a rollback of what was released', async () => {
    expect(await onServer(folder, state, 'rollback', '--env', 'stg', '--reason', 'x')).toEqual(refused);
  });

  it('says that nothing was done: serve, for its keys', async () => {
    expect(await onServer(folder, state, 'serve', '--port', '0')).toEqual(refused);
  });

  it('says that nothing was done: a ramp, which no agent could drive', async () => {
    const service = join(place.path, 'service');
    mkdirSync(service);
    writeFileSync(join(service, 'slipway.yaml'), 'service: shop\nprocesses: { worker: { run: node worker.js } }\n');
    mkdirSync(join(service, 'ramps'));
    const guards = 'guards: { latency: { from: command, run: cat reading.json, every: 1s, above: 0.5 } }';
    writeFileSync(join(service, 'ramps', 'e.yaml'), `flag: ops_e\nsteps: [1% for 1h, 100%]\n${guards}\n`);
    expect(await onServer(folder, undefined, 'flag', 'create', 'ops_e', ...NEW)).toMatchObject({ exit: 0 });
    const start = ['ramp', 'start', '--file', 'e', '--reason', 'x'];
    expect(await onServer(service, state, ...start)).toEqual(refused);
    expect(await onServer(service, state, 'ramp', 'status', 'ops_e')).toMatchObject({ exit: 3 });
    expect(existsSync(join(service, '.slipway'))).toBe(false);
  });
});
