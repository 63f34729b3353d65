import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';
import type { InstancePhase, InstanceState } from '../../targets/index.ts';
import type { RouteStats } from '../../traffic/index.ts';
import { aPlan } from '../../../test/support/plan.ts';
import type { ReleaseEvent } from '../core/events.ts';
import { next } from '../core/next.ts';
import { foldEvents } from '../core/state.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { observeStep } from './observe.ts';

/** What one look meets: `away` is a router that does not answer. */
interface Met {
  readonly at: number;
  /** By default at once. */
  readonly endsAt?: number;
  readonly phase?: InstancePhase;
  readonly restarts?: number;
  readonly router?: 'away' | { readonly since: number; readonly requests: number; readonly errors?: number };
  /** The version that answers users; by default the one that is watched. */
  readonly answers?: string;
  /** The router is started again while the service is asked. */
  readonly startsAgain?: boolean;
}

const plan = aPlan({ skips: { preflight: 'x', backup: 'x', build: 'x', test: 'x', scan: 'x', migrate: 'x', deploy: 'x', verify: 'x' } });
const window = { ...plan.steps.find(({ id }) => id === 'observe.window')!, repeat: { everyMs: 2_000, forMs: 10_000 } };
// Only its synthetic read is answered; what users met is what the router counted.
let answers = '1.1.0';
const server = createServer((_request, response) => void response.end(JSON.stringify({ version: answers })));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => void server.close());
const { definition } = plan;
const listening = {
  ...definition,
  listen: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
  smoke: { ...definition.smoke, noReads: 'the version is answer enough', withinMs: 0 },
};
const group = String(window.input['group']);

function stats({ since, requests, errors = 0 }: { since: number; requests: number; errors?: number }, at: number): RouteStats {
  const mine = {
    version: '1.1.0',
    group,
    requests,
    errors,
    clientErrors: 0,
    retries: 0,
    latency: { boundsMs: [null], counts: [requests] },
  };
  return { at, since, versions: [mine], unrouted: 0 };
}

/** Looks one after another, as the driver takes them; answers what each said, and the state the ledger is in after them. */
async function watch(looks: readonly Met[]) {
  const events: ReleaseEvent[] = [];
  const add = (time: number, event: object): void => void events.push({ seq: events.length, time, actor: 'w', ...event } as ReleaseEvent);
  add(0, { type: 'release.requested', data: { plan: { ...plan, steps: [window] } } });
  add(0, { type: 'lock.acquired', data: {} });
  for (const [index, { at, endsAt = at, phase = 'ready', restarts = 0, router = { since: 0, requests: at }, ...met }] of looks.entries()) {
    answers = met.answers ?? '1.1.0';
    let asked = 0;
    const one = {
      process: 'api',
      index: 0,
      phase,
      restarts,
      port: 1,
      lastExit: { code: 3, signal: null, at: 0 },
    } as unknown as InstanceState;
    const spec = { id: group, version: '1.1.0', directory: '/nowhere' };
    const deps = {
      target: { inspect: async () => ({ spec, stopAt: null, instances: [one] }), output: async () => [] },
      router: {
        stats: async () => {
          if (router === 'away') throw new Error('No agent answers');
          asked += 1;
          return stats(met.startsAgain === true && asked > 2 ? { ...router, since: at } : router, at);
        },
      },
      databaseFor: async () => null,
      environmentFor: async () => ({}),
    } as unknown as StepDeps;
    const effects = { clock: { now: () => at, monotonic: () => at, sleep: async () => undefined }, redact: (text: string) => text };
    const context = {
      plan: { ...plan, definition: listening },
      step: window,
      events,
      effects,
      note: () => undefined,
    };
    add(at, { type: 'step.intended', data: { step: window.id, stage: 'observe', attempt: index + 1, key: 'k' } });
    const outcome = await observeStep(deps)({ ...context, signal: new AbortController().signal } as unknown as StepContext).catch(() => ({
      verdict: 'unknown' as const,
      reason: 'no agent',
      retry: true,
    }));
    add(endsAt, { type: 'step.finished', data: { step: window.id, stage: 'observe', attempt: index + 1, facts: {}, ...outcome } });
  }
  const state = foldEvents(events);
  const last = events.at(-1);
  return { last: last?.type === 'step.finished' ? last.data : null, action: next(state, state.lastAt) };
}

const released = (reason: unknown) => ({ do: 'record', event: { type: 'release.finished', data: { outcome: 'released', reason } } });

describe('the observation window', () => {
  it('ends when it was long enough and nothing happened', async () => {
    const { action } = await watch([{ at: 0 }, { at: 5_000 }, { at: 10_000 }]);
    expect(action).toEqual(released('every required step passed'));
  });

  it('needs a look after the first, however long that took', async () => {
    const slow = { at: 0, endsAt: 12_000 };
    expect((await watch([slow])).action).toMatchObject({ do: 'wait', for: 'timer' });
    const { last, action } = await watch([slow, { at: 17_000, router: { since: 0, requests: 100, errors: 50 } }]);
    expect(last?.verdict).toBe('fail');
    expect(action).not.toEqual(released('every required step passed'));
    expect((await watch([slow, { at: 17_000 }])).action).toEqual(released('every required step passed'));
  });

  it.each(['backoff', 'starting', 'unhealthy'] as const)('does not end while an instance is in %s', async (phase) => {
    const looks = [{ at: 0 }, { at: 5_000 }, { at: 10_000, phase }];
    const { last, action } = await watch(looks);
    expect(last?.reason).toContain('the window does not end before api#0 is ready again');
    expect(action).toMatchObject({ do: 'wait', for: 'timer' });
    expect((await watch([...looks, { at: 12_000 }])).action).toEqual(released('every required step passed'));
    expect((await watch([...looks, { at: 41_000, phase }])).last?.verdict).toBe('fail');
  });

  it('does not end above its limit while requests are too few to tell, nor goes back for one error, however often it looks', async () => {
    const one = (at: number, requests: number, errors = 1): Met => ({ at, router: { since: 0, requests, errors } });
    const start = one(0, 0, 0);
    const looks = [start, ...Array.from({ length: 20 }, (_look, index) => one(2_000 * (index + 1), 30))];
    const { last, action } = await watch(looks);
    expect(last).toMatchObject({ verdict: 'unknown', retry: true });
    expect(last?.reason).toContain(
      '1 of 30 requests failed (limit 1 %), too few to tell: it is watched until 100 requests were counted, or 3 failed',
    );
    expect(action).toEqual({ do: 'wait', until: 42_000, for: 'timer' });
    // It was watched all the time.
    expect((await watch([...looks, one(42_000, 100)])).action).toEqual(released('every required step passed'));
    expect((await watch([...looks, one(42_000, 60, 3)])).last?.verdict).toBe('fail');
    // An agent that is away for a moment comes too late for no retry.
    expect((await watch([...looks, { at: 42_000, router: 'away' }])).action).toMatchObject({ do: 'wait', for: 'timer' });
    const again = { since: 41_000, requests: 0 };
    expect((await watch([...looks, { at: 42_000, router: again }])).last?.reason).toContain('the router gave no comparable counts');
  });

  it('says at the end which instance was restarted how often', async () => {
    const { last, action } = await watch([
      { at: 0, restarts: 1 },
      { at: 5_000, restarts: 2 },
      { at: 10_000, restarts: 3 },
    ]);
    expect(last?.reason).toContain('2 restarts (api#0: it exited with code 3)');
    expect(action).toEqual(released('every required step passed; api#0 was restarted 2 times while it was watched: it exited with code 3'));
  });

  it('is counted anew when the router was started again, and says so', async () => {
    const again = { since: 4_000, requests: 0 };
    const looks: readonly Met[] = [{ at: 0 }, { at: 2_000 }, { at: 5_000, router: again }];
    expect((await watch(looks)).last).toMatchObject({ verdict: 'unknown', retry: true });
    const later: readonly Met[] = [...looks, { at: 6_000, router: again }, { at: 12_000, router: again }];
    expect((await watch(later)).action).toMatchObject({ do: 'wait', for: 'timer' });
    const { action } = await watch([...later, { at: 16_000, router: again }]);
    expect(action).toEqual(
      released(
        expect.stringMatching(/; the router was started again between 1970-01-01T00:00:02\.000Z and 1970-01-01T00:00:04\.000Z: .*anew$/),
      ),
    );
  });

  it('knows that the router was away also when a look met it so', async () => {
    const again = { since: 4_000, requests: 0 };
    const looks: readonly Met[] = [{ at: 0 }, { at: 2_000, router: 'away' }, { at: 5_000, router: again }, { at: 14_000, router: again }];
    expect((await watch(looks)).action).toMatchObject({ do: 'wait', for: 'timer' });
    const { action } = await watch([...looks, { at: 15_000, router: again }]);
    expect(action).toEqual(
      released(expect.stringContaining('started again between 1970-01-01T00:00:00.000Z and 1970-01-01T00:00:04.000Z')),
    );
  });

  it('takes an answer that users get wrong for a failure, unless the router was started again while it was asked', async () => {
    const wrong: Met = { at: 2_000, answers: '1.0.0' };
    expect((await watch([{ at: 0 }, wrong])).last).toMatchObject({ verdict: 'fail' });
    const { last } = await watch([{ at: 0 }, { ...wrong, startsAgain: true }]);
    expect(last).toMatchObject({ verdict: 'unknown', retry: true });
    expect(last?.reason).toContain('synthetic read: the router was started again meanwhile: version');
  });

  it('remembers restarts from before the router was started again', async () => {
    const again = { since: 4_000, requests: 0 };
    const { last } = await watch([{ at: 0 }, { at: 2_000, restarts: 2 }, { at: 5_000, restarts: 3, router: again }]);
    expect(last?.verdict).toBe('fail');
  });

  it('does not go on for ever with a router that does not stay up', async () => {
    const looks = Array.from({ length: 15 }, (_, index): Met => ({
      at: index * 2_000,
      router: { since: Math.floor(index / 2), requests: 0 },
    }));
    expect((await watch(looks)).last).toMatchObject({ verdict: 'unknown', retry: false });
  });
});
