import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { signalOne } from '../../../test/support/signal.ts';
import { systemClock, type Clock } from '../../kernel/index.ts';
import { PLANTED_SECRET, targetContract, type TargetHarness } from '../contract.ts';
import type { GroupSpec } from '../ports.ts';
import { isAlive, processRef, readBootId, type KeeperRecord } from './keeper-record.ts';
import { readRecord } from './read-record.ts';
import { createProcessTarget, type ProcessTarget } from './process.ts';

const environment = { PATH: process.env['PATH'], SECRET: PLANTED_SECRET };
const open = (directory: string, clock: Clock = systemClock): Promise<ProcessTarget> =>
  createProcessTarget({ directory, clock, log: () => undefined, environment });

/** Removes every group the state file names, so that no process outlives the test. */
async function removeAll(target: ProcessTarget, directory: string): Promise<void> {
  const state = JSON.parse(readFileSync(path.join(directory, 'groups.json'), 'utf8')) as { readonly groups: Record<string, unknown> };
  await Promise.all(Object.keys(state.groups).map((group) => target.remove(1_000, group)));
}

targetContract('process target', async (): Promise<TargetHarness> => {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-process-'));
  const state = path.join(root, 'state');
  const artifact = path.join(root, 'artifact');
  mkdirSync(artifact);
  let target = await open(state);
  return {
    directory: artifact,
    target: () => target,
    restart: async (meanwhile) => {
      await target.close();
      await meanwhile?.();
      target = await open(state);
    },
    close: async () => {
      if (readdirSync(state).includes('groups.json')) await removeAll(target, state);
      await target.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
});

describe('process target', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-process-'));
  const run = path.join(directory, 'run');
  let target: ProcessTarget | null = null;
  afterEach(async () => {
    if (target !== null && readdirSync(directory).includes('groups.json')) await removeAll(target, directory);
    await target?.close();
    target = null;
    rmSync(directory, { recursive: true, force: true });
  });

  const sleeper = (change: { readonly port?: boolean } = {}): GroupSpec => ({
    id: 'shop/prd/blue',
    service: 'shop',
    environment: 'prd',
    version: '1',
    release: 'r',
    directory: tmpdir(),
    envFile: null,
    processes: [
      {
        name: 'w',
        argv: ['sleep', '300'],
        env: {},
        instances: 1,
        port: change.port ?? false,
        health: { kind: 'alive', forMs: 0 },
        stopGraceMs: 500,
      },
    ],
  });
  const ready = async (): Promise<KeeperRecord> => {
    await expect.poll(async () => (await target?.inspect('shop/prd/blue'))?.instances[0]?.phase).toBe('ready');
    return readRecord(path.join(run, 'shop%2Fprd%2Fblue~w-0.json'));
  };

  test('a reused pid is neither adopted nor killed', async () => {
    target = await open(directory);
    await target.apply(1, sleeper());
    const record = await ready();
    await target.close();
    signalOne(record.keeper?.pid);
    signalOne(record.child?.pid);
    const stranger = spawn('sleep', ['300'], { detached: true });
    try {
      // The stranger has the pid of both, with another start time.
      const reused = { pid: stranger.pid ?? 0, startTicks: (processRef(stranger.pid ?? 0)?.startTicks ?? 0) - 1 };
      writeFileSync(path.join(run, 'shop%2Fprd%2Fblue~w-0.json'), JSON.stringify({ ...record, keeper: reused, child: reused }));
      target = await open(directory);
      const next = await ready();
      expect(next.child?.pid).not.toBe(stranger.pid);
      expect(next.run).toBe(record.run + 1);
      expect(isAlive(processRef(stranger.pid ?? 0))).toBe(true);
      // The same pid and start time, but of another boot of the machine.
      await target.close();
      signalOne(next.keeper?.pid, 'SIGTERM');
      // It writes down how it ended, and would do so over what is written here.
      await expect.poll(() => isAlive(next.keeper), { timeout: 60_000 }).toBe(false);
      writeFileSync(
        path.join(run, 'shop%2Fprd%2Fblue~w-0.json'),
        JSON.stringify({ ...record, keeper: processRef(stranger.pid ?? 0), child: null, boot: `not ${readBootId()}` }),
      );
      target = await open(directory);
      expect((await ready()).run).toBe(record.run + 1);
      expect(isAlive(processRef(stranger.pid ?? 0))).toBe(true);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  /** A service whose `/health` counts its calls and answers what the file `health` says; an empty file hangs. */
  const probed = (): GroupSpec => {
    const script = `
      let calls = 0;
      require('node:http').createServer((request, response) => {
        calls += 1;
        const status = require('node:fs').readFileSync('health', 'utf8');
        if (status !== '') response.writeHead(Number(status)).end(String(calls));
      }).listen(process.env.PORT, '127.0.0.1');`;
    const health = { kind: 'http', path: '/', intervalMs: 50, timeoutMs: 60_000, startWithinMs: 20_000 } as const;
    const [sleeping] = sleeper({ port: true }).processes;
    if (sleeping === undefined) throw new Error('no process');
    return { ...sleeper(), directory, processes: [{ ...sleeping, argv: [process.execPath, '-e', script], health }] };
  };
  const first = async () => (await target?.inspect('shop/prd/blue'))?.instances[0];
  const health = (status: string): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(path.join(directory, 'health'), status);
  };
  /** An hour after the instance was started: long past its `startWithinMs`. */
  const later: Clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };

  test('what was healthy is ready at once under the next supervisor, before any answer, and a probe corrects it', async () => {
    health('200');
    target = await open(directory);
    await target.apply(1, probed());
    const record = await ready();
    await expect.poll(() => readFileSync(path.join(directory, 'groups.json'), 'utf8')).toContain(`"healthyRun": ${record.run}`);
    health('');
    await target.close();
    target = await open(directory, later);
    expect(await first()).toMatchObject({ phase: 'ready', pid: record.child?.pid, restarts: 0, health: { verdict: 'unknown' } });
    await target.close();
    health('503');
    target = await open(directory, later);
    expect((await first())?.phase).toBe('ready');
    await expect.poll(first).toMatchObject({ phase: 'unhealthy', pid: record.child?.pid });
    await expect.poll(() => readFileSync(path.join(directory, 'groups.json'), 'utf8')).toContain('"healthyRun": 0');
    await target.close();
    health('');
    target = await open(directory, later);
    expect(await first()).toMatchObject({ phase: 'unhealthy', pid: record.child?.pid, health: { verdict: 'unknown' } });
  });

  test('what was starting is asked by the next supervisor before it is judged late, and stopped when it really is', async () => {
    health('503');
    target = await open(directory);
    await target.apply(1, probed());
    await expect.poll(first).toMatchObject({ phase: 'starting', health: { reason: '/ answered 503' } });
    const pid = (await first())?.pid;
    await target.close();
    health('200');
    target = await open(directory, later);
    expect((await first())?.phase).toBe('starting');
    expect((await ready()).child?.pid).toBe(pid);
    await target.close();
    // As if it had been starting still.
    const file = path.join(directory, 'groups.json');
    writeFileSync(
      file,
      readFileSync(file, 'utf8')
        .replaceAll(/"(ready|healthy)Run": 1/g, '"$1Run": 0')
        .replace('"everReady": true', '"everReady": false'),
    );
    health('503');
    target = await open(directory, later);
    await expect.poll(first).toMatchObject({ phase: 'failed', pid: null });
  });

  test('what died while no supervisor looked is not ready under the next', async () => {
    health('200');
    target = await open(directory);
    await target.apply(1, probed());
    const record = await ready();
    await expect.poll(() => readFileSync(path.join(directory, 'groups.json'), 'utf8')).toContain(`"healthyRun": ${record.run}`);
    await target.close();
    signalOne(record.keeper?.pid);
    signalOne(record.child?.pid);
    await expect.poll(() => isAlive(record.child)).toBe(false);
    target = await open(directory);
    expect((await first())?.phase).not.toBe('ready');
    expect((await ready()).run).toBe(record.run + 1);
  });

  test('a port someone took while its instance was down is given up for another', async () => {
    target = await open(directory);
    await target.apply(1, sleeper({ port: true }));
    const record = await ready();
    await target.close();
    signalOne(record.keeper?.pid, 'SIGTERM');
    await expect.poll(() => isAlive(record.keeper)).toBe(false);
    const squatter = createServer().listen(record.port ?? 0, '127.0.0.1');
    try {
      await once(squatter, 'listening');
      target = await open(directory);
      expect((await ready()).port).not.toBe(record.port);
    } finally {
      squatter.close();
    }
  });

  test('a keeper nobody wants is stopped', async () => {
    target = await open(directory);
    await target.apply(1, sleeper());
    const record = await ready();
    await target.close();
    writeFileSync(path.join(directory, 'groups.json'), JSON.stringify({ schema: 'slipway.groups/1', fences: {}, groups: {} }));
    target = await open(directory);
    await expect.poll(() => isAlive(record.child) || isAlive(record.keeper)).toBe(false);
    await expect.poll(() => readdirSync(run)).toEqual([]);
  });

  test('a removal asked of a supervisor that died is finished by the next', async () => {
    target = await open(directory);
    await target.apply(1, sleeper());
    const record = await ready();
    await target.close();
    const file = path.join(directory, 'groups.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"removing": false', '"removing": true'));
    target = await open(directory);
    await expect.poll(() => target?.inspect('shop/prd/blue')).toBeNull();
    expect(isAlive(record.child)).toBe(false);
  });

  test('kill -9 of a keeper leaves no instance without one', async () => {
    target = await open(directory);
    await target.apply(1, sleeper());
    const record = await ready();
    signalOne(record.keeper?.pid);
    await expect.poll(async () => (await target?.inspect('shop/prd/blue'))?.instances[0]).toMatchObject({ phase: 'ready', restarts: 1 });
    expect(isAlive(record.child)).toBe(false);
  });

  test('one supervisor per folder; a dead one leaves no lock behind', async () => {
    target = await open(directory);
    await expect(open(directory)).rejects.toMatchObject({ code: 'agent_running' });
    await target.close();
    writeFileSync(path.join(directory, 'supervisor.lock'), JSON.stringify({ pid: process.pid, startTicks: 1 }));
    target = await open(directory);
    expect(JSON.parse(readFileSync(path.join(directory, 'supervisor.lock'), 'utf8'))).toEqual(processRef(process.pid));
  });

  test.each([
    ['groups.json', 'not json'],
    ['groups.json', ''],
    ['groups.json', '{"schema":"slipway.groups/2","fences":{},"groups":{}}'],
    ['groups.json', '{"schema":"slipway.groups/1","fences":{},"groups":{"a":{}}}'],
    ['run/x.json', '{"schema":'],
  ])('a damaged %s (%s) is refused by name and left as it is', async (name, text) => {
    mkdirSync(run, { recursive: true });
    writeFileSync(path.join(directory, name), text);
    await expect(open(directory)).rejects.toMatchObject({
      code: 'state_corrupt',
      message: expect.stringContaining(path.join(directory, name)) as string,
    });
    expect(readFileSync(path.join(directory, name), 'utf8')).toBe(text);
    rmSync(path.join(directory, name));
    target = await open(directory);
  });

  test('listeners hear of every change of an endpoint until they stop listening', async () => {
    target = await open(directory);
    const phases: string[] = [];
    const end = target.onChange((group) => void target?.inspect(group).then((state) => phases.push(state?.instances[0]?.phase ?? 'gone')));
    await target.apply(1, sleeper());
    await ready();
    await target.remove(1, 'shop/prd/blue');
    expect(phases).toEqual(['ready', 'stopping', 'gone']);
    end();
    await target.apply(1, sleeper());
    await ready();
    expect(phases).toHaveLength(3);
  });
});
