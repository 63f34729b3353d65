import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../../test/support/definition.ts';
import { aPlan, aPlanInput } from '../../../../test/support/plan.ts';

const carrying = (...flags: string[]) => aDefinition(flags.length === 0 ? {} : { flags });

describe('the flags of a release', () => {
  it("are turned off by the first step of its way back, which stands in nobody else's", () => {
    const definition = carrying('release_checkout');
    const previous = { ...aPlanInput().previous, definition: carrying() } as NonNullable<ReturnType<typeof aPlanInput>['previous']>;
    expect(aPlan({ definition, previous }).flagsOff).toMatchObject([
      { id: 'rollback.flags-off', kind: 'flags-off', mayFail: true, input: { flags: ['release_checkout'], shared: [] } },
    ]);
  });

  it('say which of them the old version carries too', () => {
    const definition = carrying('release_checkout', 'release_search');
    const previous = { ...aPlanInput().previous, definition: carrying('release_search') } as NonNullable<
      ReturnType<typeof aPlanInput>['previous']
    >;
    expect(aPlan({ definition, previous }).flagsOff?.[0]?.input).toEqual({
      flags: ['release_checkout', 'release_search'],
      shared: ['release_search'],
    });
  });

  it('leave a plan without any as it was', () => {
    const plan = aPlan({ definition: carrying() });
    expect(plan).not.toHaveProperty('flagsOff');
    expect(plan.steps.some(({ kind }) => kind === 'flags-off')).toBe(false);
  });

  it('that only the version knows which is left are turned off first of all when an earlier one is put back', () => {
    const { previous } = aPlanInput();
    if (previous === null) throw new Error('no previous version');
    const leaving = { ...previous, version: '1.1.0', group: 'shop/dev/green', definition: carrying('release_checkout', 'release_search') };
    const plan = aPlan({ kind: 'rollback', version: '1.0.0', previous: leaving, target: previous, definition: carrying('release_search') });
    expect(plan.steps[0]).toMatchObject({ id: 'preflight.flags-off', mayFail: true, input: { flags: ['release_checkout'] } });
  });
});
