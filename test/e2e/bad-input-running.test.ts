import { readFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workerPid } from './support/agent.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { freePort } from '../support/free-port.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';

/** What only shows while a release runs: it ends with a cause a person can act on, and users never notice. */
describe('a release that meets', () => {
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('running');
  });
  afterAll(() => rig.close(), 180_000);

  it('a port that somebody else has is stopped before it begins, the first time and later', async () => {
    const first = await listenOn(service.port);
    await service.commit('0.9.0');
    expectSaid(
      await service.slipway('release'),
      10,
      `listen: Another program already listens on 127.0.0.1:${service.port}: node (pid ${process.pid})`,
      'Stop what listens there, or choose another port',
      'unchanged',
    );
    expectSaid(await service.slipway('plan'), 6, `Another program already listens on 127.0.0.1:${service.port}`);
    expect(await service.status()).toEqual({ serving: null, locked: false, inFlight: 0, running: [] });
    await close(first);
    // Slipway must not have taken the port in the meantime.
    expect(await service.served()).toBeNull();

    await service.commit('1.0.0', { behaviour: { ignoreTerm: true, garbage: true } });
    expectSaid(await service.slipway('release'), 0);
    const port = await freePort();
    const later = await listenOn(port);
    await service.commit('1.1.0', { config: { listen: `127.0.0.1:${port}` } });
    expectSaid(await service.slipway('release'), 10, `Another program already listens on 127.0.0.1:${port}`, 'unchanged');
    // Taken after the question was asked: the answer is the router's, and nobody was sent anywhere.
    expectSaid(
      await service.slipway('release', ...ASKED_BEFORE),
      11,
      `deploy.switch failed: Another program already listens on 127.0.0.1:${port}`,
      'rolled-back',
    );
    expect(later.listening).toBe(true);
    await close(later);
    await expectUnharmed(service, '1.0.0');

    const neighbour = await rig.service('neighbour');
    await neighbour.commit('1.0.0', { config: { listen: `127.0.0.1:${service.port}` } });
    expectSaid(await neighbour.slipway('release'), 10, `127.0.0.1:${service.port} belongs to the route of running/dev`);
    await expectUnharmed(service, '1.0.0');
  }, 180_000);

  it('a port that somebody takes meanwhile goes back whatever its migrations are, and on an order where it may not by itself', async () => {
    const shop = await rig.service('shop');
    const held = await listenOn(shop.port);
    const config = { database: { embedded: 'shop', migrations: 'migrations' }, smoke: NO_WRITES };
    const files = { 'migrations/1_items.sql': '-- slipway: rollback=restore because "a test"\ncreate table items (id int);\n' };
    await shop.commit('0.9.0', { config, files });
    const ran = await shop.slipway('release', ...ASKED_BEFORE);
    expectSaid(ran, 11, 'deploy.switch failed: Another program already listens', 'rolled-back');
    expect(ran.said).not.toContain('been writing');
    expect(ran.said.match(/▸ deploy\.switch/g)).toHaveLength(1);
    expect(await shop.status()).toEqual({ serving: null, locked: false, inFlight: 0, running: [] });

    await shop.commit('0.9.1', { config: { ...config, rollback: { automatic: false, because: 'a test', within: '2m' } }, files });
    expectSaid(await shop.slipway('release', ...ASKED_BEFORE), 12, 'deploy.switch failed', 'automatic rollback is turned off');
    expectSaid(await shop.slipway('abort', '--reason', 'another time'), 0, 'Recorded: abort');
    await until('it has gone back', async () => (await shop.status()).inFlight === 0);
    expectSaid(await shop.slipway('watch'), 11, 'rolled-back', 'aborted by ann: another time');
    expect(await shop.status()).toEqual({ serving: null, locked: false, inFlight: 0, running: [] });
    await close(held);

    await shop.commit('1.0.0', { config, files });
    expectSaid(await shop.slipway('release'), 0);
    await expectUnharmed(shop, '1.0.0');
    const [port, more] = [await freePort(), { 'migrations/2_more.sql': files['migrations/1_items.sql'].replace('items', 'more') }];
    const taken = await listenOn(port);
    await shop.commit('1.1.0', { config: { ...config, listen: `127.0.0.1:${port}` }, files: more });
    expectSaid(await shop.slipway('release', ...ASKED_BEFORE), 11, 'deploy.switch failed: Another program already listens', 'rolled-back');
    await close(taken);
    await expectUnharmed(shop, '1.0.0');
  }, 240_000);

  it('a command that does not exist', async () => {
    await service.commit('1.1.1', { config: { build: 'no-such-builder --fast' } });
    expectSaid(
      await service.slipway('release'),
      10,
      "commands: not on the worker's PATH: no-such-builder",
      'Install them, or correct the command in slipway.yaml',
    );
    await service.commit('1.1.2', { config: { build: './no-such-script' } });
    expectSaid(
      await service.slipway('release'),
      10,
      'build.artifact',
      'The command "./no-such-script" was not found',
      'Check the spelling',
    );
    await service.commit('1.1.3', { config: { processes: { web: { run: './no-such-server', health: '/health' } } } });
    expectSaid(
      await service.slipway('release'),
      11,
      'web#0 did not become ready: The command "./no-such-server" was not found',
      'rolled-back',
    );
    await expectUnharmed(service, '1.0.0');
  }, 180_000);

  it('an endpoint that hangs', async () => {
    await service.commit('1.2.0', {
      behaviour: { hangOn: '/items' },
      config: { smoke: { read: [{ http: 'GET /items', timeout: '200ms' }], within: '500ms' } },
    });
    expectSaid(await service.slipway('release'), 11, 'verify.smoke failed: GET /items: GET /items: no answer within 200 ms', 'rolled-back');
    await expectUnharmed(service, '1.0.0');
  });

  it('a process that ignores SIGTERM, and one that does not write UTF-8', async () => {
    const before = await webLog(rig);
    expect(before).toContain('byte');
    await service.commit('1.3.0', { config: { strategy: { name: 'recreate', because: 'the old version must really be gone' } } });
    expectSaid(await service.slipway('release'), 0);
    await expectUnharmed(service, '1.3.0');
    expect((await service.status()).running).toEqual(['1.3.0 ready']);
    // Also where it stood still, and never came to say that it ignores it.
    expect(await webLog(rig)).toMatch(/ended with SIGKILL\n.*did not end within 500 ms of SIGTERM and was killed/);
  });

  it('100 MB of output, partly not UTF-8, in bounded memory', async () => {
    const worker = await workerPid(rig.home);
    const before = peakMb(worker);
    await service.commit('1.4.0', { config: { build: ['node', '--eval', FLOOD] } });
    expectSaid(await service.slipway('release'), 0);
    // The log as one text would take 300 MiB (bytes, and two per character); a stream leaves some garbage behind.
    expect(peakMb(worker) - before).toBeLessThan(200);
    const log =
      (await everyFile(join(rig.home, 'releases'))).find((file) => file.includes('build.artifact') && readFileSync(file).length > 50e6) ??
      '';
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(log));
    expect(text).toContain('bytes of output were dropped here');
    await expectUnharmed(service, '1.4.0');
  }, 180_000);
});

/** 104 MiB, more than the log keeps. */
const FLOOD =
  'const line = Buffer.alloc(1024 * 1024, Buffer.from([0x66, 0xff, 0xc3, 0x28, ...Buffer.from("lood ".repeat(15)), 10])); let n = 0; (function go() { while (n++ < 104) if (!process.stdout.write(line)) return process.stdout.once("drain", go); })()';

/** As if somebody had taken the address between preflight and the switch. */
const ASKED_BEFORE = ['--skip', 'preflight.listen=it was free when this was asked'] as const;
const NO_WRITES = { read: ['GET /'], write: { none: 'the service keeps nothing' }, within: '1s' };

async function listenOn(port: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}

function close(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

/** Everything the web process of either slot wrote; throws for bytes that are not UTF-8. */
async function webLog(rig: SmallRig): Promise<string> {
  const files = (await everyFile(join(rig.home, 'agent', 'logs'))).filter((file) => file.includes('web-0'));
  return (await Promise.all(files.map((file) => readFile(file))))
    .map((bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    .join('\n');
}

async function everyFile(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** The most memory a process ever had. */
function peakMb(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
