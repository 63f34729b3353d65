import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, thisDriver, type OpenStore } from '../../src/store/index.ts';
import { LEASE } from '../store/support.ts';
import { endStore, placeStore } from '../support/place-store.ts';
import { aPlan } from '../support/plan.ts';
import { inProcess, MAIN, scratch, slipway } from './support.ts';

const home = scratch();
const NODE = 'here:cli-test';
const env = { SLIPWAY_HOME: home.path, SLIPWAY_NODE: NODE, SLIPWAY_ACTOR: 'bob' };
let opened: OpenStore;

async function submit(release: string, environment = 'dev'): Promise<void> {
  const plan = aPlan({ release, node: NODE });
  await opened.store.submit({ plan: { ...plan, environment }, actor: 'ann', wait: true });
}

beforeAll(async () => {
  await placeStore(home.path);
  opened = await openStore({ home: home.path, node: NODE, clock: systemClock, lease: LEASE });
  await submit('01aaa1');
  await submit('01aaa2', 'prd');
});

afterAll(async () => {
  const { embedded } = opened;
  await opened.close();
  await endStore(embedded);
  home.remove();
});

const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await inProcess([...args, '--json'], env)).out) as Record<string, unknown>;

describe('against a real store', () => {
  it('list: newest first, filtered, as a table and as a document', async () => {
    expect(await json('list')).toMatchObject({
      releases: [
        { release: '01aaa2', environment: 'prd' },
        {
          release: '01aaa1',
          status: 'queued',
          requestedBy: 'ann',
          requestedAt: expect.stringMatching(/Z$/),
          finishedAt: null,
          sealed: false,
          unsealedBecause: null,
        },
      ],
    });
    expect((await json('list', '--env', 'dev'))['releases']).toHaveLength(1);
    expect((await json('list', '--limit', '1'))['releases']).toHaveLength(1);
    expect((await inProcess(['list'], env)).out).toMatch(/^RELEASE +KIND +SERVICE.*\n01aaa2 +release +shop\/prd +1\.1\.0 +queued/);
  });

  it('status: a place per service and environment, with its lock; what runs is unknown without an agent', async () => {
    const { places, agent } = await json('status', '--env', 'dev');
    expect(agent).toBeNull();
    expect(places).toMatchObject([
      {
        service: 'shop',
        environment: 'dev',
        serving: null,
        lock: { release: '01aaa1', owner: 'ann', since: expect.stringMatching(/Z$/) },
        inFlight: [{ release: '01aaa1' }],
        running: null,
      },
    ]);
    expect((await inProcess(['status'], env)).out).toContain('unknown: no agent answers');
  });

  it.each([
    [['status', '--env', 'nonsense'], 'Nothing in nonsense was released'],
    [['status', '--service', 'nope', '--json'], 'Nothing of nope was released'],
    [['list', '--service', 'nope', '--env', 'dev'], 'Nothing of nope in dev was released'],
  ])('%j: a name that was never released is refused with those that were', async (args, said) => {
    const ran = await inProcess(args, env);
    expect(ran).toMatchObject({ exit: 3, out: '', err: expect.stringContaining(said) });
    expect(ran.err).toContain('shop in dev, shop in prd');
  });

  it('db plan and db apply: a database in our own server is there before the first release', async () => {
    const folder = join(home.path, 'with-database');
    mkdirSync(join(folder, 'migrations'), { recursive: true });
    const declared = 'database: { embedded: early, migrations: migrations }';
    writeFileSync(join(folder, 'slipway.yaml'), `service: shop\nlisten: 127.0.0.1:8099\nrun: node server.js\n${declared}\n`);
    writeFileSync(join(folder, 'migrations', '1_people.sql'), 'CREATE TABLE people (id int PRIMARY KEY)');
    const db = (...args: readonly string[]) => inProcess(['-C', folder, 'db', ...args], env);
    expect(await db('plan')).toMatchObject({ exit: 0, err: '', out: expect.stringContaining('1_people') });
    expect(await db('apply')).toMatchObject({ exit: 0, out: expect.stringContaining('1_people') });
  });

  it('show: by prefix, with every step; ambiguous and unknown ids are refused', async () => {
    const shown = await json('show', '01aaa1');
    expect(shown).toMatchObject({
      release: '01aaa1',
      outcome: null,
      sealed: false,
      evidence: null,
      waiting: 'a worker to take it',
      requestedAt: expect.stringMatching(/Z$/),
    });
    expect(await inProcess(['show', '01aaa'], env)).toMatchObject({ exit: 3, out: '', err: expect.stringContaining('01aaa1') });
    expect(await inProcess(['show', 'zzz'], env)).toMatchObject({ exit: 3, err: expect.stringContaining('No release begins with "zzz"') });
    expect(await inProcess(['show', '01aaa1', '--log', 'verify.smok'], env)).toMatchObject({
      exit: 2,
      err: expect.stringContaining('Did you mean "verify.smoke"?'),
    });
    expect(await inProcess(['show', '01aaa1', '--log', 'verify.smoke'], env)).toMatchObject({
      exit: 3,
      err: expect.stringContaining('no log'),
    });
  });

  it('without an id, two releases in flight are not guessed between; one is', async () => {
    expect(await inProcess(['pause'], env)).toMatchObject({ exit: 3, err: expect.stringContaining('Several releases are in flight') });
    expect(await inProcess(['pause', '--env', 'stg'], env)).toMatchObject({
      exit: 4,
      err: expect.stringContaining('No release is in flight'),
    });
  });

  it('without an id, pause and resume mean the one that holds the lock, not one that waits for it', async () => {
    await submit('01ccc1', 'tst');
    await submit('01ccc2', 'tst');
    expect(await json('pause', '--env', 'tst')).toMatchObject({ release: '01ccc1', requested: 'pause' });
    expect(await json('resume', '--env', 'tst')).toMatchObject({ release: '01ccc1', requested: 'resume' });
    // What cannot be taken back is not guessed.
    expect(await inProcess(['abort', '--env', 'tst'], env)).toMatchObject({ exit: 3, err: expect.stringMatching(/01ccc2.*01ccc1/) });
  });

  it('pause, resume and abort are recorded under the name of who asks, with a redacted reason', async () => {
    const paused = await inProcess(['pause', '01aaa2', '--reason', 'token hunter2-horse-xyz'], { ...env, API_TOKEN: 'hunter2-horse-xyz' });
    expect(paused).toMatchObject({ exit: 0, err: expect.stringContaining('slipway agent start') });
    expect(await inProcess(['pause', '01aaa2'], env)).toMatchObject({ exit: 4, err: expect.stringContaining('it is paused already') });
    expect(await json('resume', '01aaa2')).toEqual({ release: '01aaa2', requested: 'resume', by: 'bob' });
    expect(await json('abort', '01aaa2')).toEqual({ release: '01aaa2', requested: 'abort', by: 'bob' });
    const { events } = await opened.store.load('01aaa2');
    expect(events.slice(1).map(({ type, actor }) => `${type} ${actor}`)).toEqual([
      'pause.requested bob',
      'resume.requested bob',
      'abort.requested bob',
    ]);
    expect(events[1]?.data).toEqual({ reason: 'token [redacted]' });
  });

  it('nothing refused leaves an event', async () => {
    const before = (await opened.store.load('01aaa1')).events.length;
    for (const args of [
      ['resume', '01aaa1'],
      ['approve', '01aaa1'],
      ['abort', '01aaa1', '--accept', 'x'],
      ['rollback', '01aaa1'],
      ['rollback', '01aaa1', '--to', '1.0.0'],
    ])
      expect(await inProcess(args, env), args.join(' ')).toMatchObject({ exit: 4, out: '' });
    expect((await opened.store.load('01aaa1')).events).toHaveLength(before);
  });

  it('Ctrl-C ends only the watching: exit 130, how to go on, and no event', async () => {
    const before = (await opened.store.load('01aaa1')).events.length;
    const child = spawn(process.execPath, [MAIN, 'watch', '01aaa1'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await once(child.stdout, 'data');
    // Two at once, as from a supervisor that tells a whole process group, are one: the second must not cut the first short.
    child.kill('SIGINT');
    child.kill('SIGTERM');
    expect((await once(child, 'close'))[0]).toBe(130);
    expect(said).toContain('slipway watch 01aaa1');
    expect((await opened.store.load('01aaa1')).events).toHaveLength(before);
  });

  it('watch of a finished release prints all of it and answers its exit code', async () => {
    await submit('01aaa3', 'stg');
    const claim = await opened.store.claim('01aaa3', thisDriver('test'));
    if (claim === null) throw new Error('the claim is free');
    await opened.store.acquireLock(claim);
    await opened.store.append(claim, [
      { type: 'abort.requested', data: { reason: 'x' } },
      { type: 'release.finished', data: { outcome: 'unchanged', reason: 'aborted by ann: x' } },
    ]);
    await opened.store.seal(claim, 'checkpoint');
    const watched = await inProcess(['watch', '01aaa3', '--json'], env);
    expect(watched.exit).toBe(13);
    const lines = watched.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string });
    expect(lines.map(({ kind }) => kind).filter((kind) => kind !== 'event')).toEqual(['result']);
    expect(lines.at(-1)).toMatchObject({ kind: 'result', release: '01aaa3', verdict: 'fail', outcome: 'unchanged', exit: 13 });
    expect((await inProcess(['watch', '01aaa3'], env)).out).toMatch(/✗ FAIL {2}shop 1\.0\.0 -> 1\.1\.0 in stg: unchanged, because aborted/);
    expect(await inProcess(['pause', '01aaa3'], env)).toMatchObject({ exit: 4, err: expect.stringContaining('has ended (unchanged)') });
  });

  describe.each([
    ['broken', 'service: [\n'],
    ['absent', null],
  ])('with a slipway.yaml that is %s', (how, text) => {
    const release = `01aab-${how}`;
    const own = scratch();
    // Found by the folder alone, as by somebody who stands in it.
    const there = { ...env, SLIPWAY_HOME: undefined };
    const inFolder = (...args: readonly string[]) => inProcess(['-C', own.path, ...args], there);
    beforeAll(async () => {
      symlinkSync(home.path, join(own.path, '.slipway'));
      if (text !== null) writeFileSync(join(own.path, 'slipway.yaml'), text);
      await submit(release, how);
    });
    afterAll(own.remove);

    it('a release is looked at, held, let go on and stopped by its id, which list tells', async () => {
      expect(await inFolder('list')).toMatchObject({ exit: 0, out: expect.stringContaining(release) });
      for (const args of [
        ['show', release],
        ['pause', release],
        ['resume', release, '--reason', 'seen'],
        ['abort', release],
        ['watch', '01aaa3'],
      ])
        expect(await inFolder(...args), args.join(' ')).toMatchObject({
          exit: args[0] === 'watch' ? 13 : 0,
          err: expect.not.stringContaining('error'),
        });
    });

    it('without an id it is said that one would do', async () => {
      const said = text === null ? 'Several releases are in flight' : 'this is not YAML';
      for (const command of ['pause', 'resume', 'abort', 'rollback'])
        expect(await inFolder(command)).toMatchObject({ exit: text === null ? 3 : 2, err: expect.stringContaining(said) });
      if (text === null) return;
      for (const args of [['show'], ['watch'], ['pause'], ['rollback'], ['rollback', '--to', '1.0.0'], ['evidence', 'show']])
        expect((await inFolder(...args)).err).toMatch(
          /\nhint: .* Or name the release, which needs no configuration: `slipway list` shows the ids\.\n$/,
        );
    });
  });

  it('doctor names a lock that nobody works for, and a file that cannot be read', async () => {
    expect(slipway(['doctor'], { cwd: home.path, env }).out).toMatch(/\? UNKNOWN +lock .*shop\/dev is held by release 01aaa1/);
    mkdirSync(join(home.path, 'agent'));
    writeFileSync(join(home.path, 'agent/groups.json'), '{"half');
    const { exit, out } = await inProcess(['doctor', '--json'], env);
    expect(exit).toBe(6);
    const { checks } = JSON.parse(out) as { checks: { name: string; verdict: string; fix?: string }[] };
    expect(checks.find(({ name }) => name === 'agent state')).toMatchObject({ verdict: 'fail', fix: expect.stringContaining('.broken') });
  });

  it('a store that is away is a refusal', async () => {
    expect(await inProcess(['list'], { ...env, SLIPWAY_DATABASE_URL: 'mysql://x' })).toMatchObject({
      exit: 2,
      err: expect.stringContaining('postgresql://'),
    });
  });
});
