import { describe, expect, it } from 'vitest';
import { joinVerdicts } from '../../kernel/index.ts';
import { judgeWindow, type Observed } from './observe.ts';

const stop = { maxErrorRate: 0.01, maxP99Ms: 500, maxRestarts: 2 };
const healthy: Observed = { traffic: { requests: 1_000, errors: 0, p99LowMs: 100, unrouted: 0 }, restarts: 0, notReady: [] };
const verdictOf = (seen: Observed): string => joinVerdicts(judgeWindow(seen, stop).map((check) => check.verdict));

describe('judgeWindow', () => {
  it.each([
    ['a healthy version', healthy, 'pass'],
    ['5 % errors', { ...healthy, traffic: { requests: 1_000, errors: 50, p99LowMs: 100, unrouted: 0 } }, 'fail'],
    ['exactly the limit', { ...healthy, traffic: { requests: 1_000, errors: 10, p99LowMs: 100, unrouted: 0 } }, 'pass'],
    ['one error among three requests', { ...healthy, traffic: { requests: 3, errors: 1, p99LowMs: null, unrouted: 0 } }, 'unknown'],
    ['one error among a hundred', { ...healthy, traffic: { requests: 100, errors: 1, p99LowMs: null, unrouted: 0 } }, 'pass'],
    ['requests nobody could answer', { ...healthy, traffic: { requests: 100, errors: 0, p99LowMs: 1, unrouted: 5 } }, 'fail'],
    ['a slow 99th percentile', { ...healthy, traffic: { requests: 1_000, errors: 0, p99LowMs: 630, unrouted: 0 } }, 'fail'],
    [
      'a slow 99th percentile of too few requests',
      { ...healthy, traffic: { requests: 50, errors: 0, p99LowMs: 630, unrouted: 0 } },
      'pass',
    ],
    ['three restarts', { ...healthy, restarts: 3 }, 'fail'],
    ['an instance that is being restarted', { ...healthy, notReady: [{ name: 'api#0', forMs: 4_000 }] }, 'pass'],
    ['an instance that does not come back', { ...healthy, notReady: [{ name: 'api#0', forMs: 31_000 }] }, 'fail'],
    ['counters that cannot be compared', { ...healthy, traffic: null }, 'unknown'],
  ])('judges %s', (_name, seen, verdict) => {
    expect(verdictOf(seen)).toBe(verdict);
  });
});
