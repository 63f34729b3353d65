import { describe, expect, it } from 'vitest';
import { parseSkips, refuseUnknownSkips, skippable } from '../../src/cli/commands/shared/skips.ts';
import { aPlan } from '../support/plan.ts';

describe('--skip', () => {
  it('reads names and reasons; a reason may hold =', () => {
    expect(parseSkips(['scan=nightly', 'preflight.git= a=b '])).toEqual({ scan: 'nightly', 'preflight.git': 'a=b' });
  });

  it.each([['scan'], ['scan='], ['scan=  '], ['=why'], ['']])('refuses %j: a skip needs a name and a reason', (given) => {
    expect(() => parseSkips([given])).toThrow(/needs a reason/);
  });

  it('refuses a name given twice: only one reason would be recorded', () => {
    expect(() => parseSkips(['scan=a', 'scan=b'])).toThrow(/twice/);
  });

  it('takes stages, steps and preflight checks of the plan, and nothing else', () => {
    const plan = aPlan();
    expect(() => refuseUnknownSkips({ scan: 'x', 'deploy.start': 'x', 'preflight.disk': 'x' }, plan)).not.toThrow();
    expect(() => refuseUnknownSkips({ 'preflight.dsk': 'x' }, plan)).toThrow(/Did you mean "preflight.disk"/);
    expect(() => refuseUnknownSkips({ verfy: 'x' }, plan)).toThrow(/Did you mean "verify"/);
    expect(() => refuseUnknownSkips({ constructor: 'x' }, plan)).toThrow(/no such/);
    expect(skippable(plan)).not.toContain('evidence');
  });
});
