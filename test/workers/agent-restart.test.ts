import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readProcessStat, systemClock } from '../../src/kernel/index.ts';
import { agentPlaces, agentStatus, startAgent, stopAgent } from '../../src/server/index.ts';
import { createAgentTarget, type AgentTarget, type GroupSpec, type InstanceState } from '../../src/targets/index.ts';
import { createAgentRouter, type AgentRouter } from '../../src/traffic/index.ts';
import { freePort } from '../support/free-port.ts';
import { signalOne } from '../support/signal.ts';
import { ask, createCleanup, startLoad, until, type Cleanup, type Load } from '../traffic/support.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const GROUP = 'shop/prd/blue';

/** Ends at once on SIGTERM, as a service does that knows nothing of draining. `/slow` answers when the file `go` is there, `/health` after the ms in the file `delay`. */
const SERVICE = `
  import { createServer } from 'node:http';
  import { existsSync, readFileSync } from 'node:fs';
  const delay = () => { try { return Number(readFileSync('delay', 'utf8')); } catch { return 0; } };
  createServer((request, response) => {
    if (request.url === '/health') return void setTimeout(() => response.end('up'), delay());
    if (request.url !== '/slow') return void response.end('ok');
    const look = setInterval(() => { if (existsSync('go')) { clearInterval(look); response.end('slow'); } }, 10);
  }).listen(Number(process.env.PORT), '127.0.0.1');
`;

/** One that ended and was not waited for yet (it is this test's child) does not run. */
function runs(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat !== null && stat.state !== 'Z';
}

describe('a service while its agent starts again', () => {
  let cleanup: Cleanup;
  let workspace: string;
  let home: string;
  let target: AgentTarget;
  let router: AgentRouter;
  let port: number;

  beforeEach(async () => {
    cleanup = createCleanup();
    workspace = cleanup.add(realpathSync(mkdtempSync(join(tmpdir(), 'slipway-restart-'))), (folder) =>
      rmSync(folder, { recursive: true, force: true }),
    );
    home = join(workspace, '.slipway');
    mkdirSync(home);
    writeFileSync(join(workspace, 'service.mjs'), SERVICE);
    cleanup.add(home, async (folder) => {
      // Only an agent ends instances, and a test that failed may have left them without one.
      await start();
      await stopAgent(folder, systemClock, { all: true });
    });
    await start();
    const socketPath = agentPlaces(home).socket;
    target = cleanup.add(createAgentTarget({ socketPath }), (door) => door.close());
    router = cleanup.add(createAgentRouter({ socketPath }), (door) => door.close());
    port = await freePort();
    await target.apply(1, group());
    await until('it is ready', async () => (await instances()).every(({ phase }) => phase === 'ready'), 30_000);
    await router.apply(1, {
      id: 'shop/prd',
      listen: { host: '127.0.0.1', port },
      mode: 'open',
      backends: [{ group: GROUP, version: '1', weight: 100, process: 'web' }],
    });
    const remembered = (): number =>
      readFileSync(join(agentPlaces(home).directory, 'groups.json'), 'utf8').split('"healthyRun": 1').length - 1;
    await until('it is remembered', () => remembered() === 2);
  }, 180_000);
  afterEach(() => cleanup.run(), 180_000);

  const start = () => startAgent(home, [process.execPath, MAIN, '-C', workspace, 'agent', 'run', '--no-worker'], workspace, systemClock);
  const group = (): GroupSpec => ({
    id: GROUP,
    service: 'shop',
    environment: 'prd',
    version: '1',
    release: 'r',
    directory: workspace,
    envFile: null,
    processes: [
      {
        name: 'web',
        argv: [process.execPath, 'service.mjs'],
        env: {},
        instances: 2,
        port: true,
        health: { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 60_000, startWithinMs: 20_000 },
        stopGraceMs: 2_000,
      },
    ],
  });
  const instances = async (): Promise<readonly InstanceState[]> => (await target.inspect(GROUP))?.instances ?? [];
  const pids = async (): Promise<readonly (number | null)[]> => (await instances()).map(({ pid }) => pid);
  const agentPid = async (): Promise<number> => (await agentStatus(home))?.pid ?? 0;
  /** Kills the first instance under load, and lets users go on until it is back and in use. */
  const killOne = async (load: Load): Promise<void> => {
    const [one] = await instances();
    signalOne(one?.pid);
    await until(
      'it is started again',
      async () => {
        const [now] = await instances();
        return now?.phase === 'ready' && now.restarts === (one?.restarts ?? 0) + 1;
      },
      60_000,
    );
    const enough = load.done() + 300;
    await until('users go on', () => load.done() > enough);
  };
  /** What the router itself said to users: nothing, when all went well. */
  const refusals = (outcomes: ReadonlyMap<string, number>): readonly string[] =>
    [...outcomes.keys()].filter((outcome) => outcome.startsWith('status'));

  it.each(['kill -9', 'slipway agent stop'])(
    'answers no 5xx after %s, though its health takes long to answer',
    { timeout: 180_000 },
    async (how) => {
      const before = await pids();
      writeFileSync(join(workspace, 'delay'), '5000');
      const load = startLoad(cleanup, port, { perSecond: 100 });
      await until('users are there', () => load.done() > 50);
      const pid = await agentPid();
      if (how === 'kill -9') {
        signalOne(pid);
        await until('the agent is gone', () => !runs(pid));
      } else {
        expect(await stopAgent(home, systemClock)).toBe(true);
        expect(runs(pid)).toBe(false);
      }
      expect((await start()).started).toBe(true);
      expect((await instances()).map(({ phase }) => phase)).toEqual(['ready', 'ready']);
      expect(await pids()).toEqual(before);
      const enough = load.done() + 200;
      await until('users are there again', () => load.done() > enough);
      const outcomes = await load.stop();
      expect(refusals(outcomes)).toEqual([]);
      expect(outcomes.get('ok')).toBeGreaterThan(200);
      expect((await instances()).map(({ phase, restarts }) => ({ phase, restarts }))).toEqual([
        { phase: 'ready', restarts: 0 },
        { phase: 'ready', restarts: 0 },
      ]);
    },
  );

  it('loses no GET at 300 per second when an instance is killed, started by this agent or adopted', { timeout: 180_000 }, async () => {
    const load = startLoad(cleanup, port, { perSecond: 300 });
    await until('users are there', () => load.done() > 200);
    await killOne(load);
    expect([...(await load.stop()).keys()]).toEqual(['ok']);
    await stopAgent(home, systemClock);
    await start();
    const more = startLoad(cleanup, port, { perSecond: 300 });
    await until('users are there again', () => more.done() > 200);
    await killOne(more);
    expect([...(await more.stop()).keys()]).toEqual(['ok']);
  });

  it.each([false, true])('answers what is in flight before the agent ends, with all: %s', { timeout: 180_000 }, async (all) => {
    const [pid, before] = [await agentPid(), await pids()];
    const slow = ask(port, { path: '/slow' });
    await until('it is in flight', async () => (await router.inspect('shop/prd'))?.inFlight === 1);
    const stopped = stopAgent(home, systemClock, { all });
    await until('no one else gets in', () =>
      ask(port).then(
        () => false,
        () => true,
      ),
    );
    // It is on its way out: it takes no orders, and still does what it promised.
    expect(await agentStatus(home)).toBeNull();
    await expect(target.apply(1, group())).rejects.toMatchObject({ code: 'agent_unreachable' });
    expect(runs(pid)).toBe(true);
    writeFileSync(join(workspace, 'go'), '');
    expect(await slow).toMatchObject({ status: 200, body: 'slow' });
    expect(await stopped).toBe(true);
    expect(runs(pid)).toBe(false);
    const alive = before.filter((one) => runs(one ?? 0));
    expect(alive).toEqual(all ? [] : before);
    expect(await start()).toMatchObject({ started: true });
    if (!all) return expect(await pids()).toEqual(before);
    // What was stopped is still wanted: it is started again, and users get it.
    await until('it serves again', async () => (await ask(port).catch(() => null))?.status === 200);
    expect((await pids()).filter((one) => before.includes(one))).toEqual([]);
  });
});
