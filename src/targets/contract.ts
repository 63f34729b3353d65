import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signalOne } from '../../test/support/signal.ts';
import { readProcessStat } from '../kernel/index.ts';
import type { GroupSpec, GroupState, InstanceState, ProcessSpec, Target } from './ports.ts';

/** One target under test, with what the suite needs around it. */
export interface TargetHarness {
  /** The target as it is now; another object after `restart`. */
  target(): Target;
  /** An empty folder for artifacts. */
  readonly directory: string;
  /** Ends the supervisor as roughly as the adapter can (kill -9), runs `meanwhile`, and starts it again. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  /** Removes all groups and gives everything back. */
  close(): Promise<void>;
}

/** Available in every harness's supervisor environment and planted in outputs. */
export const PLANTED_SECRET = 'hunter2-correct-horse';

/** A small service: `/health` answers what the file `health` says (200 while it is being written), `/crash` exits with 7, `/env` tells its variables. */
const SERVICE = `
  import { createServer } from 'node:http';
  import { readFileSync } from 'node:fs';
  console.log('secret is ' + process.env.SECRET + ', url postgres://u:pw12345@h/d');
  if (process.env.MODE === 'crash') process.exit(3);
  if (process.env.MODE === 'deaf') process.on('SIGTERM', () => console.log('no'));
  const health = () => { try { return Number(readFileSync('health', 'utf8')) || 200; } catch { return 200; } };
  if (process.env.PORT === undefined) setInterval(() => undefined, 1000);
  else createServer((request, response) => {
    if (request.url === '/crash') process.exit(7);
    response.statusCode = request.url === '/health' ? health() : 200;
    response.end(JSON.stringify(process.env));
  }).listen(Number(process.env.PORT), '127.0.0.1');
`;

const HEALTH = { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 1_000, startWithinMs: 20_000 } as const;
const WAIT = { timeout: 60_000, interval: 25 };

/** The behaviour every target must show. The cases run one after another; each has a target of its own. */
export function targetContract(name: string, makeTarget: () => Promise<TargetHarness>): void {
  describe(`${name} keeps the contract of a target`, () => {
    let harness: TargetHarness;
    beforeEach(async () => {
      harness = await makeTarget();
      writeFileSync(path.join(harness.directory, 'service.mjs'), SERVICE);
    });
    afterEach(() => harness.close());

    const web = (change: Partial<ProcessSpec> = {}): ProcessSpec => ({
      name: 'web',
      argv: [process.execPath, 'service.mjs'],
      env: { SECRET: '${env:SECRET}' },
      instances: 1,
      port: true,
      health: HEALTH,
      stopGraceMs: 2_000,
      ...change,
    });
    const group = (processes: readonly ProcessSpec[] = [web()], change: Partial<GroupSpec> = {}): GroupSpec => ({
      id: 'shop/prd/blue',
      service: 'shop',
      environment: 'prd',
      version: '1.0.0',
      release: 'r1',
      directory: harness.directory,
      processes,
      envFile: null,
      ...change,
    });
    const inspect = (id = 'shop/prd/blue'): Promise<GroupState | null> => harness.target().inspect(id);
    const phases = async (id?: string): Promise<readonly string[]> => (await inspect(id))?.instances.map(({ phase }) => phase) ?? [];
    const instances = async (id?: string): Promise<readonly InstanceState[]> => (await inspect(id))?.instances ?? [];
    const pids = async (): Promise<readonly (number | null)[]> => (await instances()).map(({ pid }) => pid);
    const only = async (): Promise<InstanceState> => {
      const [first] = await instances();
      if (first === undefined) throw new Error('no instance');
      return first;
    };
    const applyReady = async (spec: GroupSpec, fence = 1): Promise<void> => {
      await harness.target().apply(fence, spec);
      const ready = spec.processes.flatMap((process) => Array.from({ length: process.instances }, () => 'ready'));
      await expect.poll(() => phases(spec.id), WAIT).toEqual(ready);
    };
    const kill = ({ pid }: InstanceState): void => signalOne(pid);
    const runs = ({ pid, startTicks }: InstanceState): boolean => {
      const stat = readProcessStat(pid ?? 0);
      return stat !== null && stat.startTicks === startTicks && stat.state !== 'Z';
    };

    test('applying the same group again changes nothing, whatever the order of its keys', async () => {
      await applyReady(group());
      const before = await only();
      await harness.target().apply(1, Object.fromEntries(Object.entries(group()).reverse()) as unknown as GroupSpec);
      await expect.poll(only, WAIT).toEqual(before);
      expect(before).toMatchObject({ phase: 'ready', restarts: 0, lastExit: null, health: { verdict: 'pass' } });
    });

    test('an instance sees its port, its attribution and what was asked for, and nothing else', async () => {
      const argv = [process.execPath, 'service.mjs', '${instance}', '${version}', '${port}'];
      writeFileSync(path.join(harness.directory, 'prd.env'), 'COLOUR="light blue"\n');
      await applyReady(group([web({ argv, env: { COLOUR: '${env:COLOUR}', URL: 'http://h:${port}' } })], { envFile: 'prd.env' }));
      const { port } = await only();
      const env = (await (await fetch(`http://127.0.0.1:${port}/env`)).json()) as Record<string, string>;
      expect(env).toMatchObject({
        SLIPWAY_SERVICE: 'shop',
        SLIPWAY_ENVIRONMENT: 'prd',
        SLIPWAY_VERSION: '1.0.0',
        PGAPPNAME: expect.stringMatching(/^\S+ 1\.0\.0 \S+-0$/) as string,
        SLIPWAY_RELEASE: 'r1',
        SLIPWAY_INSTANCE: 'web-0',
        PORT: String(port),
        COLOUR: 'light blue',
        URL: `http://h:${port}`,
      });
      expect(env).not.toHaveProperty('SLIPWAY_PARTITION');
      const allowed = /^(PATH|HOME|LANG|TZ|TMPDIR|PORT|COLOUR|URL|PGAPPNAME|SLIPWAY_(SERVICE|ENVIRONMENT|VERSION|RELEASE|INSTANCE))$/;
      expect(Object.keys(env).filter((key) => !allowed.test(key))).toEqual([]);
    });

    test('a killed instance is restarted, counted, and its end is known', async () => {
      await applyReady(group());
      const before = await only();
      kill(before);
      await expect.poll(only, WAIT).toMatchObject({ phase: 'ready', restarts: 1, lastExit: { code: null, signal: 'SIGKILL' } });
      expect((await only()).pid).not.toBe(before.pid);
      await fetch(`http://127.0.0.1:${(await only()).port}/crash`).catch(() => undefined);
      await expect.poll(only, WAIT).toMatchObject({ phase: 'ready', restarts: 2, lastExit: { code: 7, signal: null } });
    });

    test('an instance that never gets ready is tried a few times with back-off and then failed', async () => {
      await harness.target().apply(1, group([web({ env: { SECRET: 'x', MODE: 'crash' } })]));
      await expect.poll(() => phases(), WAIT).toEqual(['backoff']);
      await expect
        .poll(only, WAIT)
        .toMatchObject({ phase: 'failed', restarts: 4, lastExit: { code: 3 }, health: { verdict: 'fail' }, pid: null });
    });

    test('the last lines of the last run are told, redacted, also of one that crashed; of no instance there are none', async () => {
      const spec = group([web({ env: { SECRET: '${env:SECRET}', MODE: 'crash' } })]);
      await harness.target().apply(1, spec);
      await expect.poll(() => phases(), WAIT).toEqual(['failed']);
      const told = await harness.target().output(spec.id, { process: 'web', index: 0 }, 5);
      expect(told).toEqual([expect.stringMatching(/^secret is \[redacted\], url postgres:/) as string]);
      expect(told.join()).not.toMatch(new RegExp(`${PLANTED_SECRET}|pw12345`));
      expect(await harness.target().output(spec.id, { process: 'web', index: 1 }, 5)).toEqual([]);
      expect(await harness.target().output('shop/prd/green', { process: 'web', index: 0 }, 5)).toEqual([]);
    });

    test('a missing command fails with a reason that names it', async () => {
      await harness.target().apply(1, group([web({ argv: ['no-such-command-here'] })]));
      await expect
        .poll(only, WAIT)
        .toMatchObject({ health: { verdict: 'fail', reason: expect.stringContaining('"no-such-command-here" was not found') as string } });
    });

    test('an instance that is not ready in time is failed and stopped', async () => {
      writeFileSync(path.join(harness.directory, 'health'), '503');
      await harness.target().apply(1, group([web({ health: { ...HEALTH, startWithinMs: 1_500 } })]));
      await expect.poll(only, WAIT).toMatchObject({ phase: 'failed', pid: null, restarts: 0 });
    });

    test('health is followed: unhealthy while it says so, ready again after', async () => {
      await applyReady(group());
      writeFileSync(path.join(harness.directory, 'health'), '503');
      await expect.poll(only, WAIT).toMatchObject({ phase: 'unhealthy', health: { verdict: 'fail', reason: '/health answered 503' } });
      writeFileSync(path.join(harness.directory, 'health'), '200');
      await expect.poll(only, WAIT).toMatchObject({ phase: 'ready', restarts: 0 });
    });

    test('a process without a port is ready after being alive for a while', async () => {
      await applyReady(group([web({ name: 'worker', port: false, health: { kind: 'alive', forMs: 300 } })]));
      expect(await only()).toMatchObject({ process: 'worker', port: null });
    });

    test('a new supervisor finds the same processes, and the exit of one that died meanwhile', async () => {
      await applyReady(group([web({ instances: 2 })]));
      const before = await instances();
      await harness.restart();
      await expect.poll(() => phases(), WAIT).toEqual(['ready', 'ready']);
      expect((await instances()).map(({ pid, startTicks, port, restarts }) => ({ pid, startTicks, port, restarts }))).toEqual(
        before.map(({ pid, startTicks, port }) => ({ pid, startTicks, port, restarts: 0 })),
      );
      const [first, second] = before;
      await harness.restart(async () => {
        await fetch(`http://127.0.0.1:${first?.port}/crash`).catch(() => undefined);
        await expect.poll(() => first !== undefined && runs(first), WAIT).toBe(false);
      });
      await expect.poll(() => phases(), WAIT).toEqual(['ready', 'ready']);
      expect(await instances()).toMatchObject([
        { restarts: 1, lastExit: { code: 7 } },
        { restarts: 0, pid: second?.pid },
      ]);
    });

    test('a process that ignores SIGTERM is killed after its grace; remove returns when it is gone', async () => {
      await applyReady(group([web({ env: { MODE: 'deaf' }, stopGraceMs: 300 })]));
      const before = await only();
      await harness.target().remove(1, 'shop/prd/blue');
      expect(runs(before)).toBe(false);
      expect(await inspect()).toBeNull();
      await harness.target().remove(1, 'shop/prd/blue');
      expect(readFileSync(before.logFile, 'utf8')).toContain('it did not end within 300 ms of SIGTERM and was killed');
    });

    test('a group with a time to stop ends when it is up, also after a restart; wanted without one it stays', async () => {
      await applyReady(group([web()], { stopAfterMs: 600_000 }));
      expect((await inspect())?.stopAt).toBeGreaterThan(0);
      const before = await only();
      await harness.target().apply(1, group());
      expect((await inspect())?.stopAt).toBeNull();
      await harness.target().apply(1, group([web()], { stopAfterMs: 1 }));
      await harness.restart();
      await expect.poll(() => inspect(), WAIT).toBeNull();
      expect(runs(before)).toBe(false);
    });

    test('an instance that was given up starts again when it is asked for again', async () => {
      const broken = group([web({ argv: [process.execPath, 'missing.mjs'] })]);
      await harness.target().apply(1, broken);
      await expect.poll(() => phases(), WAIT).toEqual(['failed']);
      writeFileSync(path.join(harness.directory, 'missing.mjs'), SERVICE);
      await applyReady(broken);
    });

    test('a port taken by someone else is avoided, and instances never share one', async () => {
      await applyReady(group([web({ instances: 3 })]));
      const ports = (await instances()).map(({ port }) => port);
      expect(new Set(ports).size).toBe(3);
      await harness.target().remove(1, 'shop/prd/blue');
      const squatter = createServer().listen(ports[0] ?? 0, '127.0.0.1');
      try {
        await applyReady(group());
        expect((await only()).port).not.toBe(ports[0]);
        expect((await only()).restarts).toBe(0);
      } finally {
        squatter.close();
      }
    });

    test('a lower fence is refused, also after a restart, and changes nothing', async () => {
      await applyReady(group(), 5);
      const before = await only();
      const stale = group([web()], { version: '0.9.0' });
      await expect(harness.target().apply(4, stale)).rejects.toMatchObject({ code: 'fenced' });
      await expect(harness.target().remove(4, 'shop/prd/blue')).rejects.toMatchObject({ code: 'fenced' });
      await harness.restart();
      await expect(harness.target().apply(4, { ...stale, id: 'shop/prd/green' })).rejects.toMatchObject({ code: 'fenced' });
      await harness.target().apply(1, group([web({ instances: 0 })], { id: 'shop/stg/blue', environment: 'stg' }));
      expect((await only()).pid).toBe(before.pid);
    });

    test('two groups live side by side; listing is by service and environment', async () => {
      const green = group([web()], { id: 'shop/prd/green', version: '2.0.0' });
      await Promise.all([applyReady(group()), applyReady(green)]);
      expect((await harness.target().list('shop', 'prd')).map(({ spec }) => spec.id).sort()).toEqual(['shop/prd/blue', 'shop/prd/green']);
      expect(await harness.target().list('shop', 'stg')).toEqual([]);
      await harness.target().remove(1, 'shop/prd/green');
      expect(await phases()).toEqual(['ready']);
    });

    test('scaling keeps what runs; a new version replaces it', async () => {
      await applyReady(group());
      const [first] = await pids();
      await applyReady(group([web({ instances: 2 })]));
      expect((await pids())[0]).toBe(first);
      await applyReady(group());
      expect(await pids()).toEqual([first]);
      await harness.target().apply(1, group([web()], { version: '1.0.1' }));
      await expect.poll(async () => (await only()).phase === 'ready' && (await only()).pid !== first, WAIT).toBe(true);
      expect(await only()).toMatchObject({ restarts: 0 });
    });

    test('planted secrets do not reach the log', async () => {
      await applyReady(group());
      const { logFile } = await only();
      await expect.poll(() => readFileSync(logFile, 'utf8'), WAIT).toContain('secret is [redacted]');
      expect(readFileSync(logFile, 'utf8')).not.toMatch(new RegExp(`${PLANTED_SECRET}|pw12345`));
    });

    test.each([
      ['a variable that is not set', () => group([web({ env: { A: '${env:NOT_SET_ANYWHERE}' } })]), 'secret_missing'],
      ['an unknown reference', () => group([web({ argv: ['x', '${colour}'] })]), 'config_invalid'],
      ['a folder that does not exist', () => group([web()], { directory: path.join(harness.directory, 'gone') }), 'not_found'],
      ['a variables file that does not exist', () => group([web()], { envFile: 'gone.env' }), 'config_invalid'],
      ['an id of another service', () => group([web()], { id: 'other/prd/blue' }), 'config_invalid'],
      ['an id that would leave the folder', () => group([web()], { id: '../../x', service: '..', environment: '..' }), 'config_invalid'],
      ['two processes of one name', () => group([web(), web()]), 'config_invalid'],
      ['a process name that is a path', () => group([web({ name: '../web' })]), 'config_invalid'],
      ['HTTP health without a port', () => group([web({ port: false })]), 'config_invalid'],
    ] as const)('%s is refused before anything is recorded', async (_case, spec, code) => {
      await expect(harness.target().apply(1, spec())).rejects.toMatchObject({ code, name: 'SlipwayError' });
      expect(await harness.target().list('shop', 'prd')).toEqual([]);
    });
  });
}
