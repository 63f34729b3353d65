import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectUnharmed } from '../e2e/support/expect.ts';
import { makeCanaryBed, type CanaryBed, type Kills, type Run } from './canary-bed.ts';
import { binomialTail, chanceOf, mostFor, recordedWeights } from './share-bound.ts';

const hasHaproxy = spawnSync('haproxy', ['-v']).status === 0;

/** Of some hundred windows none may be this unlikely. */
const TOO_UNLIKELY = 1e-7;
const WINDOW = 300;

/** The windows after each kill and all through the release in which the canary answered more than its recorded weight explains. */
function tooMuch({ answers, events, killed, version }: Run): readonly string[] {
  const recorded = recordedWeights(events);
  const evenly = Array.from({ length: Math.ceil(answers.length / WINDOW) }, (_none, index) => index * WINDOW);
  const windows = [...Object.entries(killed), ...evenly.map((at) => ['on the way', at] as const)];
  return windows.flatMap(([moment, at]) => {
    const window = answers.slice(at, at + WINDOW);
    if (chanceOf(window, version, recorded) >= TOO_UNLIKELY) return [];
    const most = window.reduce((sum, answer) => sum + mostFor(answer, recorded), 0);
    const seen = window.filter((answer) => answer.version === version).length;
    return [`${moment}: ${seen} of ${window.length}, where about ${most.toFixed(0)} are explained`];
  });
}

/**
 * One release after the other under steady users, each with several deaths. At a fault point the worker dies as well, so that nobody
 * goes on before the victim is dead too. The judge looks at ten seconds at a time, so each good release must be worth it.
 */
describe('a canary among kill -9', () => {
  let bed: CanaryBed;
  beforeAll(async () => {
    bed = await makeCanaryBed();
  }, 180_000);
  afterAll(() => bed.close(), 180_000);

  const proofOf = (run: Run) => ({ outcome: run.outcome, tooMuch: tooMuch(run), killed: Object.keys(run.killed) });
  const proven = (kills: Kills, outcome: string) => ({ outcome, tooMuch: [], killed: Object.keys(kills) });

  it('of the worker, a metric source, and the agent with the router in it: gets no more than is recorded, and is released when it is good', async () => {
    const kills: Kills = {
      'rehearse.recorded': ['agent'],
      'route.acted': ['agent', 'source'],
      'route.intended': ['agent'],
      'deploy.judge-50': ['worker', 'source'],
    };
    const run = await bed.release(kills, { good: true });
    expect(proofOf(run)).toEqual(proven(kills, 'released'));
    await expectUnharmed(bed.service, run.version);
  }, 180_000);

  it('of the worker and the agent: gets no more than is recorded, and is taken back when it is bad', async () => {
    const kills: Kills = { 'rehearse.recorded': [], 'route.acted': ['agent'], 'route.intended': ['agent'] };
    const run = await bed.release(kills, { good: false });
    expect(proofOf(run)).toEqual(proven(kills, 'rolled-back'));
    expect(run.answers.some(({ version }) => version === run.version)).toBe(true);
    await expectUnharmed(bed.service, bed.stable());
  }, 180_000);

  describe.skipIf(!hasHaproxy)('of HAProxy (needs HAProxy: apt-get install haproxy)', () => {
    beforeAll(() => bed.useRouter('haproxy'), 180_000);

    it('and of a metric source: gets no more than is recorded, and is released when it is good', async () => {
      const kills: Kills = {
        'rehearse.recorded': ['haproxy'],
        'route.acted': ['haproxy', 'source'],
        'route.intended': ['haproxy'],
        'deploy.judge-50': ['haproxy', 'source'],
      };
      const run = await bed.release(kills, { good: true });
      expect(proofOf(run)).toEqual(proven(kills, 'released'));
      await expectUnharmed(bed.service, run.version);
    }, 180_000);

    // Not of its source: a bad canary may be gone before that is asked again.
    it('gets no more than is recorded, and is taken back when it is bad', async () => {
      const kills: Kills = { 'rehearse.recorded': [], 'route.acted': ['haproxy'], 'route.intended': ['haproxy'] };
      const run = await bed.release(kills, { good: false });
      expect(proofOf(run)).toEqual(proven(kills, 'rolled-back'));
      expect(run.answers.some(({ version }) => version === run.version)).toBe(true);
      await expectUnharmed(bed.service, bed.stable());
    }, 180_000);
  });
});

describe("the bound of the canary's share", () => {
  it('is the tail of the binomial distribution', () => {
    expect(binomialTail(2, 1, 0.5)).toBeCloseTo(0.75, 12);
    expect(binomialTail(300, 60, 0.2)).toBeCloseTo(0.523, 2);
    expect(binomialTail(300, 100, 0.2)).toBeLessThan(TOO_UNLIKELY);
    expect([binomialTail(9, 1, 0), binomialTail(9, 0, 0)]).toEqual([0, 1]);
  });

  it('follows a weight up when it is ordered, and down when that was carried out', () => {
    const at = (sentAt: number, answeredAt: number): number =>
      mostFor({ sentAt, answeredAt, version: '', user: { path: '/' } }, [
        { at: 10, weight: 20, carriedOut: false },
        { at: 12, weight: 20, carriedOut: true },
        { at: 20, weight: 0, carriedOut: false },
        { at: 25, weight: 0, carriedOut: true },
      ]);
    expect([at(1, 9), at(9, 11), at(14, 15), at(22, 23), at(24, 27), at(26, 27)]).toEqual([0, 0.2, 0.2, 0.2, 0.2, 0]);
  });
});
