import { describe, expect, it } from 'vitest';
import { addTick, atCheckpoint, DEFAULT_POLICY, judgementOf, startJudge } from '../../src/analysis/index.ts';
import { sampleBinomial, seededRandom, type Random } from '../../src/analysis/core/sample.ts';
import { scatterBefore, type CanaryInput } from '../../src/release/core/canary.ts';
import { createMinuteRing, HISTORY_MINUTES, historyOf, type MinuteRing } from '../../src/traffic/core/minutes.ts';

const MINUTE = 60_000;
const TICK = 10_000;
const CANARY_AT = 40;
const CANARY_MINUTES = 60;
const PER_TICK = 200;
const WEIGHT = 0.1;
const RUNS = 60;

/** What an instance's requests fail by: bursts of its own, a cold start, and what is wrong with its version. */
interface Instance {
  readonly name: string;
  readonly bornAt: number;
  readonly ring: MinuteRing;
  readonly random: Random;
  burst: { minute: number; bad: boolean };
}

/** A stable pool that is scaled up and down every few minutes, whose instances and canary are replaced now and then. */
function worldOf(seed: number, extraErrors: number) {
  const random = seededRandom(seed);
  let born = 0;
  const start = (at: number): Instance => ({
    name: `instance-${born++}`,
    bornAt: at,
    ring: createMinuteRing(HISTORY_MINUTES + 1),
    random: seededRandom(seed * 1_000 + born),
    burst: { minute: -1, bad: false },
  });
  let pool = Array.from({ length: 4 }, () => start(0));
  let canary = start(0);
  const serve = (one: Instance, requests: number, at: number, extra = 0): { readonly requests: number; readonly bad: number } => {
    const minute = Math.floor(at / MINUTE);
    if (one.burst.minute !== minute) one.burst = { minute, bad: one.random() < 0.06 };
    const cold = one.bornAt > 0 && at - one.bornAt < MINUTE / 2 ? 0.03 : 0;
    const bad = sampleBinomial(requests, Math.min(1, 0.002 + (one.burst.bad ? 0.2 : 0) + cold + extra), one.random);
    for (let n = 0; n < requests; n++) one.ring.add(at, n < bad);
    return { requests, bad };
  };
  const tick = (at: number, share: number) => {
    const minute = at / MINUTE;
    // Scaled to something between 4 and 12 every five minutes, the last time a minute before the canary, and one replaced every seven.
    if ((minute + 1) % 5 === 0) {
      const size = 4 + Math.floor(random() * 9);
      pool = Array.from({ length: size }, (_none, index) => pool[index] ?? start(at));
    }
    if (minute % 7 === 0) pool = [...pool.slice(1), start(at)];
    if (minute % 15 === 0) canary = start(at);
    const each = Math.round((PER_TICK * (1 - share)) / pool.length);
    const stable = pool.map((one) => serve(one, each, at)).reduce((a, b) => ({ requests: a.requests + b.requests, bad: a.bad + b.bad }));
    return { stable, canary: serve(canary, Math.round(PER_TICK * share), at, extraErrors) };
  };
  return { tick, history: (at: number) => historyOf(new Map(pool.map(({ name, ring }) => [name, ring])), at) };
}

/** The judge's last word after an hour, or when it says `fail`. */
function judgeOf(seed: number, extraErrors: number): string {
  const world = worldOf(seed, extraErrors);
  const policy = { ...DEFAULT_POLICY, metrics: DEFAULT_POLICY.metrics.filter(({ name }) => name === 'errors') };
  for (let at = 0; at < CANARY_AT * MINUTE; at += TICK) world.tick(at, 0);
  const scatter = scatterBefore(world.history(CANARY_AT * MINUTE), { instances: 1 } as CanaryInput);
  let judge = atCheckpoint(startJudge(policy, { checkpoints: 1, periods: 8_640 }), CANARY_AT * MINUTE, scatter);
  for (let at = CANARY_AT * MINUTE; at < (CANARY_AT + CANARY_MINUTES) * MINUTE; at += TICK) {
    judge = addTick(judge, { at: at + TICK, metrics: { errors: world.tick(at, WEIGHT) } });
    if (judgementOf(judge).verdict === 'fail') return 'fail';
  }
  return judgementOf(judge).verdict;
}

function failed(extraErrors: number): number {
  return Array.from({ length: RUNS }, (_run, index) => judgeOf(index + 1, extraErrors)).filter((verdict) => verdict === 'fail').length;
}

describe('a pool that is scaled, and instances that come and go', () => {
  it('do not make a healthy canary fail', () => {
    expect(failed(0)).toBe(0);
  }, 180_000);

  it('do not hide a canary that fails one request in five', () => {
    expect(failed(0.2)).toBe(RUNS);
  }, 180_000);
});
