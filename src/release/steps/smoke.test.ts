import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import { SlipwayError } from '../../kernel/index.ts';
import type { Router } from '../../traffic/index.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { routeBase, smokeStep } from './smoke.ts';

const answering = await listening('1.1.0');
const wrong = await listening('1.0.0');
afterAll(() => [answering, wrong].forEach((server) => server.close()));

async function listening(version: string): Promise<Server> {
  const server = createServer((_request, response) => void response.end(JSON.stringify({ version })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A router that says when it was started, each time it is asked. */
function router(...since: readonly (number | 'away')[]): Pick<Router, 'stats'> {
  const left = [...since];
  return {
    stats: async () => {
      const one = left.shift();
      if (one === 'away' || one === undefined) throw new SlipwayError('agent_unreachable', 'No agent answers');
      return { at: one, since: one, versions: [], unrouted: 0 };
    },
  };
}

const plan = aPlan();
const live = plan.steps.find(({ id }) => id === 'verify.live')!;

async function smoke(server: Server, asked: Pick<Router, 'stats'>) {
  const { port } = server.address() as AddressInfo;
  const questions = { ...plan.definition.smoke, read: [], noReads: 'a test', write: [], noWrites: 'a test', worker: [], withinMs: 0 };
  const step = { ...live, input: { ...live.input, listen: { host: '127.0.0.1', port }, smoke: questions } };
  const deps = {
    target: {
      inspect: async () => ({ spec: { id: 'g', version: '1.1.0', directory: '/nowhere' }, instances: [] }),
      output: async () => [],
    },
    router: asked,
    databaseFor: async () => null,
    environmentFor: async () => ({}),
  } as unknown as StepDeps;
  const clock = { now: () => 0, monotonic: () => 0, sleep: async () => undefined };
  const context = { plan, step, events: [], signal: new AbortController().signal, note: () => undefined, effects: { clock } };
  return smokeStep(deps)(context as unknown as StepContext);
}

it.each([
  ['0.0.0.0', 'http://127.0.0.1:80'],
  ['::', 'http://127.0.0.1:80'],
  ['::1', 'http://[::1]:80'],
  ['10.0.0.1', 'http://10.0.0.1:80'],
])('a service that listens on %s is asked at %s', (host, base) => {
  expect(routeBase({ host, port: 80 })).toBe(base);
});

describe("smoke of a group's own ports", () => {
  const own = plan.steps.find(({ id }) => id === 'verify.smoke')!;
  const { port } = answering.address() as AddressInfo;
  const ready = { process: 'api', index: 0, phase: 'ready', port, restarts: 0, lastExit: null, health: { reason: 'fine' } };

  /** The group as the agent tells it, look by look; the last look stays. The step's time is over after ten. */
  async function smokeOwn(...phases: readonly string[]) {
    const looks = phases.map((phase) => ({ ...ready, phase }));
    const spec = { id: 'g', version: '1.1.0', directory: '/nowhere', processes: [{ name: 'api', instances: 1 }] };
    const target = {
      inspect: async () => ({ spec, instances: [looks.length > 1 ? looks.shift() : looks[0]] }),
      output: async () => [],
    };
    const deps = { target, databaseFor: async () => null, environmentFor: async () => ({}) } as unknown as StepDeps;
    const over = new AbortController();
    let slept = 0;
    const sleep = async (): Promise<void> => void (++slept > 10 && over.abort());
    const questions = { ...plan.definition.smoke, read: [], noReads: 'a test', write: [], noWrites: 'a test', worker: [], withinMs: 0 };
    const step = { ...own, input: { ...own.input, smoke: questions } };
    const effects = { clock: { now: () => 0, monotonic: () => 0, sleep } };
    return smokeStep(deps)({ plan, step, events: [], signal: over.signal, note: () => undefined, effects } as unknown as StepContext);
  }

  it('waits for instances that an agent which was started again has to find first', async () => {
    expect(await smokeOwn('starting', 'starting', 'ready')).toMatchObject({ verdict: 'pass' });
  });

  it('fails where none gets ready in the time of the step, or one has given up', async () => {
    expect(await smokeOwn('starting')).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/^no instance of .* not ready in time/),
    });
    expect(await smokeOwn('unhealthy', 'failed')).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('did not become ready'),
    });
  });
});

describe("smoke through the users' address", () => {
  it('passes where the version answers', async () => {
    expect(await smoke(answering, router(1, 1))).toMatchObject({ verdict: 'pass' });
  });

  it('fails for good where another one answers and the router was there all the time', async () => {
    const outcome = await smoke(wrong, router(1, 1));
    expect(outcome).toMatchObject({ verdict: 'fail' });
    expect(outcome.retry ?? false).toBe(false);
  });

  it('is asked again where the router was started in the middle', async () => {
    const reason = expect.stringContaining('the router was started again meanwhile: version');
    expect(await smoke(wrong, router(1, 2))).toMatchObject({ verdict: 'unknown', retry: true, reason });
  });

  it('is refused, which is waited out, where the router is away', async () => {
    await expect(smoke(wrong, router(1, 'away'))).rejects.toMatchObject({ code: 'agent_unreachable' });
    expect(live.attempts).toBeGreaterThan(1);
  });
});
