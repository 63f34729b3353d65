import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import { aPlan } from '../../../test/support/plan.ts';
import { DEFAULT_POLICY, FACTS, type FactDefinition, type FactName, type SourceDefinition } from '../../analysis/index.ts';
import type { Effects } from '../../kernel/index.ts';
import type { CanaryInput } from '../core/canary.ts';
import type { ReleaseEvent } from '../core/events.ts';
import type { StepContext, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { judgeStep } from './judge.ts';

const MINUTE = 60_000;
const START = 1_800_000_000_000;
const canary = { version: '1.1.0', group: 'shop/dev/green' };
const stable = { version: '1.0.0', group: 'shop/dev/blue' };

type Both = readonly [canary: number, stable: number];
/** What a gauge says so long after the beginning; null for a version that has none. */
type Gauge = (sinceMs: number) => Both | null;

/** Everything a look meets, by the time since the beginning. */
interface World {
  readonly gauges?: Readonly<Record<string, Gauge>>;
  readonly restarts?: (sinceMs: number) => number;
  readonly away?: (sinceMs: number) => number;
  /** Share of the canary's requests that fail. */
  readonly errorRate?: number;
}

let now = START;
let gauges: NonNullable<World['gauges']> = {};

/** Speaks as much of Prometheus' HTTP API as a gauge needs; the query is the gauge's name. */
const prometheus = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    const query = new URLSearchParams(body).get('query') ?? '';
    const name = /\(\(([a-z-]+)\{/.exec(query)?.[1] ?? '';
    const told = gauges[name]?.(now - START) ?? null;
    const result = (told ?? []).map((value, index) => ({
      metric: { slipway_part: index === 0 ? 'canary gauge' : 'stable gauge' },
      value: [now / 1_000, String(value)],
    }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
});
await new Promise<void>((resolve) => prometheus.listen(0, '127.0.0.1', resolve));
afterAll(() => void prometheus.close());

/** The time limit is real, the pace is the virtual clock's. */
const source = (name: string): SourceDefinition => ({
  from: 'prometheus',
  url: `http://127.0.0.1:${(prometheus.address() as AddressInfo).port}`,
  token: null,
  ask: { kind: 'gauge', gauge: `${name}{version="{{version}}"}` },
  everyMs: 10_000,
  timeoutMs: 24 * 60 * MINUTE,
});
const fact = (name: FactName): FactDefinition => ({ name: `documented.${name}`, fact: name, source: source(name) });
const guard = (name: string, above: number, forMs: number) => ({ name, above, forMs, source: source(name) });

const usual: CanaryInput = {
  route: 'shop/dev',
  canary,
  stable,
  weight: 20,
  everyMs: 5_000,
  policy: DEFAULT_POLICY,
  shape: { checkpoints: 1, periods: 8_640 },
  maxRestarts: 2,
};
const documented: CanaryInput = { ...usual, policy: { kind: 'documented', custom: {} }, maxRestarts: 100, facts: FACTS.map(fact) };

/** Requests that are all alike, ten per second to each version. */
function countsAt({ version, group }: typeof canary, errorRate = 0): object {
  const requests = Math.floor((now - START) / 100);
  return { version, group, requests, errors: Math.floor(requests * errorRate), latency: { boundsMs: [100, null], counts: [requests, 0] } };
}

/** Of the canary. */
const INSTANCES = 4;

function depsOf({ restarts = () => 0, away = () => 0, errorRate = 0 }: World, clock: Effects['clock']): StepDeps {
  const one = (index: number): object => ({
    process: 'web',
    index,
    phase: index < away(now - START) ? 'unhealthy' : 'ready',
    restarts: index === 0 ? restarts(now - START) : 0,
    lastExit: { code: 3, signal: null, at: 0 },
  });
  return {
    home: '/nowhere',
    router: {
      stats: async () => ({ at: now, since: START, versions: [countsAt(canary, errorRate), countsAt(stable)], unrouted: 0 }),
      history: async () => [],
    },
    target: { inspect: async () => ({ instances: Array.from({ length: INSTANCES }, (_one, index) => one(index)) }) },
    environmentFor: async () => ({}),
    effects: { clock },
  } as unknown as StepDeps;
}

/** Requests that were begun and are not over, as the HTTP client itself tells. */
const asked = new Set<unknown>();
const requestOf = (message: unknown): unknown => (message as { readonly request: unknown }).request;
subscribe('undici:request:create', (message) => void asked.add(requestOf(message)));
for (const over of ['trailers', 'error']) subscribe(`undici:request:${over}`, (message) => void asked.delete(requestOf(message)));

/** What happens before a request is begun, and after its answer has come, needs fewer. */
const TURNS = 50;

/** Resolves when no source is waited for, and what their answers set off has happened, however busy the machine is. */
async function quiet(): Promise<void> {
  for (let still = 0; still < TURNS; still++) {
    await new Promise(setImmediate);
    if (asked.size > 0) still = 0;
  }
}

/** Looks one after another, as the driver takes them, until one passes or fails or the time is over. */
async function judge(
  input: CanaryInput,
  world: World,
  untilMs: number,
  forMs: number | null = null,
): Promise<StepOutcome & { readonly afterMs: number }> {
  now = START;
  gauges = world.gauges ?? {};
  const clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms: number) => {
      now += ms;
      await quiet();
    },
  };
  const step = judgeStep(depsOf(world, clock));
  const events: ReleaseEvent[] = [];
  const add = (event: object): void => void events.push({ seq: events.length, time: now, actor: 'w', ...event } as ReleaseEvent);
  for (;;) {
    add({ type: 'step.intended', data: { step: 'deploy.judge-20', stage: 'deploy', attempt: 1, key: 'k' } });
    const outcome = await step({
      plan: aPlan(),
      step: { id: 'deploy.judge-20', input, repeat: { everyMs: 0, forMs } },
      events,
      effects: { clock },
      signal: new AbortController().signal,
      asked: new AbortController().signal,
    } as unknown as StepContext);
    add({ type: 'step.finished', data: { step: 'deploy.judge-20', stage: 'deploy', attempt: 1, facts: {}, ...outcome } });
    if (outcome.verdict !== 'unknown' || now - START > untilMs) return { ...outcome, afterMs: now - START };
  }
}

describe('a guard inside the judge step', () => {
  const memory = { ...usual, guards: [guard('memory', 0.9, 3 * MINUTE)] };

  it('takes the canary back when it alone was above the limit for its time', async () => {
    const climbs = (sinceMs: number): Both => [sinceMs > MINUTE ? 0.95 : 0.5, 0.5];
    const { verdict, reason, afterMs } = await judge(memory, { gauges: { memory: climbs } }, 10 * MINUTE);
    expect({ verdict, reason }).toMatchObject({
      verdict: 'fail',
      reason: expect.stringMatching(/1\.1\.0 at 20 %: memory: 0\.95 of the canary, 0\.5 of the stable version \(limit 0\.9\)/) as string,
    });
    expect(afterMs).toBeGreaterThanOrEqual(4 * MINUTE);
    expect(afterMs).toBeLessThan(6 * MINUTE);
  });

  const silent: Gauge = () => null;
  const alike: Gauge = () => [0.95, 0.95];
  it.each([
    ['both are above it', alike, /memory: .*both are above the limit/],
    ['its source is silent', silent, /memory: its source gives no value: no series of canary gauge/],
  ] as const)('holds the weight when %s', async (_name, gauge, reason) => {
    // What the router counts is proven good long before.
    const outcome = await judge(memory, { gauges: { memory: gauge } }, 20 * MINUTE);
    expect(outcome).toMatchObject({ verdict: 'unknown', reason: expect.stringMatching(reason) as string, retry: true });
  });

  it('stands in no way of a canary that is below it', async () => {
    expect((await judge(memory, { gauges: { memory: () => [0.5, 0.5] } }, 60 * MINUTE)).verdict).toBe('pass');
  });
});

describe('a young checkpoint', () => {
  it('is judged often enough to tell of its requests, and over when its time is', async () => {
    const { reason, afterMs } = await judge({ ...usual, everyMs: 500 }, {}, 4_900, 5_000);
    expect(reason).toMatch(/errors: .*\(0 of (3|4|5)\d\)/);
    expect(afterMs).toBe(5_000);
  });
});

describe('instances inside the judge step', () => {
  it.each([
    [
      'more restarts than are tolerated',
      { restarts: (ms: number) => (ms > MINUTE ? 3 : 0) },
      /restarts: 3 restarts \(limit 2\); web#0: it exited with code 3/,
    ],
    [
      'most of its probes failing for half a minute',
      { away: (ms: number) => (ms > MINUTE ? 3 : 0) },
      /instances: 3 of 4 are not ready: web#0, which is unhealthy/,
    ],
  ])('take the canary back, whatever users meet: %s', async (_name, world, reason) => {
    const outcome = await judge(usual, world, 3 * MINUTE);
    expect(outcome).toMatchObject({ verdict: 'fail', reason: expect.stringMatching(reason) as string });
  });
});

describe('the documented rules inside the judge step', () => {
  const well: Readonly<Record<FactName, Gauge>> = {
    cpu: () => [1.2, 1],
    memory: () => [110, 100],
    'memory-of-limit': () => [0.5, 0.4],
    breakers: () => [0, 0],
    corrupted: () => [0, 0],
  };

  it('pass when every fact was told by its declared source and all hold', async () => {
    const { verdict, reason, afterMs } = await judge(documented, { gauges: well }, 40 * MINUTE);
    expect(verdict, reason).toBe('pass');
    expect(reason).toContain("cpu: 1.2 times the stable version's, at most 1.5");
    expect(afterMs).toBeGreaterThanOrEqual(15 * MINUTE);
  });

  it('stay unknown for a fact that nobody declared, and say which key to declare', async () => {
    const facts = documented.facts?.filter((one) => one.fact !== 'memory') ?? [];
    const outcome = await judge({ ...documented, facts }, { gauges: well }, 20 * MINUTE);
    expect(outcome.verdict).toBe('unknown');
    expect(outcome.reason).toContain(
      'memory: no source measures it for both versions: declare where it comes from as `strategy.documented.memory`',
    );
  });

  it.each([
    ['cpu', { cpu: () => null }, /cpu: its source prometheus gives no value, so nothing is known: no series of canary gauge/],
    ['breakers', { breakers: () => null }, /breakers: its source prometheus gives no value.*no series of canary gauge/],
    ['memory-of-limit', { 'memory-of-limit': () => [50, 40] }, /memory-of-limit: .*50 is no share of the limit/],
  ] as const)('hold the weight while the source of %s gives nothing, and say why', async (_fact, gauge, reason) => {
    const outcome = await judge(documented, { gauges: { ...well, ...gauge } as typeof well }, 18 * MINUTE);
    expect(outcome).toMatchObject({ verdict: 'unknown', reason: expect.stringMatching(reason) as string });
  });

  it('ask for a person where more than 1 % fails', async () => {
    const { verdict, reason } = await judge(documented, { gauges: { ...well, breakers: () => null }, errorRate: 0.02 }, 16 * MINUTE);
    expect(verdict).toBe('unknown');
    // Also beside a source whose silence is told in other words.
    expect(reason).toMatch(
      /breakers: its source prometheus.*errors: 2 points more than .*: it is held, and a person decides; more than 1 % of its requests failed/,
    );
  });

  const after =
    (value: Both): Gauge =>
    (ms) =>
      ms > 2 * MINUTE ? value : [0, 0];
  it.each([
    ['an open breaker', { gauges: { ...well, breakers: after([1, 0]) } }, /fired: an upstream circuit breaker is open/],
    [
      'memory close to its limit',
      { gauges: { ...well, 'memory-of-limit': after([0.95, 0.95]) } },
      /fired: more than 90 % of its memory limit/,
    ],
    ['corrupted data', { gauges: { ...well, corrupted: after([1, 0]) } }, /fired: data are corrupted; stop the traffic and restore/],
    [
      'restarts',
      { gauges: well, restarts: (ms: number) => Math.min(3, Math.floor(ms / MINUTE)) },
      /fired: 3 or more restarts in 5 minutes/,
    ],
    ['failing probes', { gauges: well, away: (ms: number) => (ms > 2 * MINUTE ? 3 : 0) }, /fired: more than 50 % of its probes fail/],
  ])('take the canary back for %s', async (_name, world, reason) => {
    const outcome = await judge(documented, world, 10 * MINUTE);
    expect(outcome).toMatchObject({ verdict: 'fail', reason: expect.stringMatching(reason) as string });
  });
});
