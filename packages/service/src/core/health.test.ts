import { describe, expect, it } from 'vitest';
import { type CheckResult, readiness } from './health.ts';

const result = (status: CheckResult['status'], required: boolean): CheckResult => ({ status, required, tookMs: 1 });

describe('readiness', () => {
  it.each(['starting', 'shutting-down'] as const)('%s is not ready, whatever the dependencies say', (phase) => {
    expect(readiness(phase, { database: result('ok', true) }, [])).toEqual({ status: 'down', reason: phase });
  });

  it('ends with a required dependency', () => {
    expect(readiness('running', { database: result('down', true), mail: result('down', false) }, ['mail'])).toEqual({
      status: 'down',
      reason: 'down: database',
    });
  });

  it('is degraded by an optional dependency, a degraded one and an open breaker', () => {
    expect(readiness('running', { mail: result('down', false), database: result('degraded', true) }, ['payments'])).toEqual({
      status: 'degraded',
      reason: 'degraded: mail, database, breaker payments',
    });
  });

  it('is ok when all is well, or nothing was declared', () => {
    expect(readiness('running', { database: result('ok', true) }, [])).toEqual({ status: 'ok' });
    expect(readiness('running', {}, [])).toEqual({ status: 'ok' });
  });
});
