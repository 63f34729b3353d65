import fc from 'fast-check';
/* oxlint-disable vitest/no-standalone-expect -- the model's steps assert; the one test calls them */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Claim } from '../../src/release/index.ts';
import type { OpenStore } from '../../src/store/index.ts';
import { driver, embeddedServer, finished, intended, planFor, query, type TestServer } from './support.ts';

/** What the store should know of one release. */
interface Expected {
  readonly id: string;
  types: string[];
  holder: string | null;
  expired: boolean;
  finished: boolean;
  sealed: boolean;
  /** Every claim ever given, the newest last. */
  claims: Claim[];
}

type Step =
  | { readonly kind: 'submit'; readonly wait: boolean }
  | {
      readonly kind: 'claim' | 'append' | 'finish' | 'acquire' | 'park' | 'seal' | 'request' | 'expire';
      readonly release: number;
      readonly worker: number;
      readonly stale: boolean;
    };

const stepOf: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('submit' as const), wait: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom<Exclude<Step, { kind: 'submit' }>['kind'][]>(
        'claim',
        'claim',
        'append',
        'finish',
        'acquire',
        'park',
        'seal',
        'request',
        'expire',
      ),
      release: fc.nat(3),
      worker: fc.nat(2),
      stale: fc.boolean(),
    }),
  },
);

/** A world of one service: the real store and the simple model beside it. */
class World {
  readonly releases: Expected[] = [];
  holder: Expected | null = null;
  readonly open: OpenStore;
  readonly url: string;
  readonly service: string;

  constructor(open: OpenStore, url: string, service: string) {
    this.open = open;
    this.url = url;
    this.service = service;
  }

  async submit(wait: boolean): Promise<void> {
    const plan = planFor({ service: this.service });
    const sent = this.open.store.submit({ plan, actor: 'ann', wait });
    if (this.holder !== null && !wait) return expect(sent).rejects.toMatchObject({ code: 'locked' });
    await sent;
    const release: Expected = {
      id: plan.release,
      types: ['release.requested'],
      holder: null,
      expired: false,
      finished: false,
      sealed: false,
      claims: [],
    };
    this.releases.push(release);
    this.holder ??= release;
  }

  async step(step: Exclude<Step, { kind: 'submit' }>): Promise<void> {
    const release = this.releases[step.release];
    if (release === undefined) return;
    if (step.kind === 'claim') return this.claim(release, `w${step.worker}`);
    if (step.kind === 'request') return this.request(release);
    if (step.kind === 'expire') return this.expire(release);
    const claim = step.stale ? release.claims[0] : release.claims.at(-1);
    if (claim === undefined) return;
    const current = claim === release.claims.at(-1) && release.holder === claim.driver;
    return this.act(step.kind, release, claim, current);
  }

  async claim(release: Expected, id: string): Promise<void> {
    const claim = await this.open.store.claim(release.id, driver(id, { host: 'elsewhere' }));
    const free = !release.sealed && (release.holder === null || release.expired);
    expect(claim !== null).toBe(free);
    if (claim === null) return;
    release.claims.push(claim);
    release.holder = id;
    release.expired = false;
    if (!release.finished) release.types.push('driver.claimed');
  }

  async request(release: Expected): Promise<void> {
    const sent = this.open.store.request(release.id, 'bob', { type: 'pause.requested', data: { reason: '' } });
    if (release.finished) return expect(sent).rejects.toMatchObject({ code: 'not_possible_now' });
    await sent;
    release.types.push('pause.requested');
  }

  async expire(release: Expected): Promise<void> {
    await query(
      this.url,
      `update slipway.release set lease_until = now() - interval '1 s' where id = '${release.id}' and driver_id is not null`,
    );
    release.expired = release.holder !== null;
  }

  async act(kind: string, release: Expected, claim: Claim, current: boolean): Promise<void> {
    const { store } = this.open;
    const done = async (outcome: Promise<unknown>): Promise<void> => {
      if (current) await outcome;
      else await expect(outcome).rejects.toMatchObject({ code: 'fenced' });
    };
    if (release.finished && current && kind !== 'seal') return;
    if (kind === 'append') {
      await done(store.append(claim, [intended('a')]));
      if (current) release.types.push('step.intended');
    } else if (kind === 'acquire') {
      await done(store.acquireLock(claim));
      if (current) this.acquired(release);
    } else if (kind === 'park') {
      await done(store.park(claim, release.types.length, null));
      if (current) release.holder = null;
    } else if (kind === 'finish') {
      await done(store.append(claim, [finished()]));
      if (current) this.finished(release);
    } else if (kind === 'seal' && release.finished && !release.sealed) {
      await done(store.seal(claim, 'checkpoint'));
      if (current) Object.assign(release, { sealed: true, holder: null });
    }
  }

  acquired(release: Expected): void {
    this.holder ??= release;
    const event = this.holder === release ? 'lock.acquired' : 'lock.waiting';
    if (!release.types.includes(event)) release.types.push(event);
  }

  finished(release: Expected): void {
    release.types.push('release.finished');
    release.finished = true;
    if (this.holder !== release) return;
    this.holder = this.releases.find((other) => !other.finished) ?? null;
    this.holder?.types.push('lock.acquired');
  }

  async check(): Promise<void> {
    expect((await this.open.store.lockOf(this.service, 'prd'))?.release).toBe(this.holder?.id);
    for (const release of this.releases) {
      const { summary, events } = await this.open.store.load(release.id);
      expect(events.map(({ type }) => type)).toEqual(release.types);
      expect(summary).toMatchObject({ driver: release.holder, sealed: release.sealed });
      expect(release.claims.map(({ fence }) => fence)).toEqual(release.claims.map(({ fence }) => fence).toSorted((a, b) => a - b));
    }
  }
}

let server: TestServer;
beforeAll(async () => {
  server = await embeddedServer();
});
afterAll(async () => server.stop());

it('behaves like a simple model of it, whatever is asked in whatever order', async () => {
  const url = await server.newDatabase();
  const open = await server.open(url);
  let services = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(stepOf, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new World(open, url, `m${(services += 1)}`);
      await world.submit(false);
      for (const step of steps) await (step.kind === 'submit' ? world.submit(step.wait) : world.step(step));
      await world.check();
    }),
    { numRuns: 60 },
  );
}, 120_000);
