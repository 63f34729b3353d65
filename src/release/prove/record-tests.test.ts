import { expect, test } from 'vitest';
import { judgeRecording } from './record-tests.ts';

const PASSED = { verdict: 'pass', reason: '' } as const;
const recording = { connections: 1, missed: 0, found: 2, outcome: PASSED, variable: 'DATABASE_URL' } as const;

test.each([
  [{}, 'pass', '2 statements'],
  [{ missed: 3 }, 'unknown', '3 more than can be kept were not looked at'],
  [{ connections: 0 }, 'unknown', 'never came to the database that DATABASE_URL names'],
  [{ outcome: { verdict: 'fail', reason: 'it ended with 1' } }, 'unknown', '2 statements, but it ended with 1'],
  [{ found: 0 }, 'unknown', '0 statements'],
] as const)('what was recorded of tests: %j', (changed, verdict, reason) => {
  expect(judgeRecording({ ...recording, ...changed })).toEqual({ verdict, reason: expect.stringContaining(reason) as string });
});
