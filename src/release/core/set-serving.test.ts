import { describe, expect, it } from 'vitest';
import { servingTogether, type MemberServing } from './set-serving.ts';
import type { ReleaseSet } from './set.ts';

const setOf = (id: string): ReleaseSet => ({
  id,
  name: 'shop',
  order: 'together',
  members: ['api', 'web'].map((service) => ({ service, release: `${id}-${service}` })),
});
const inSet = (service: string, id: string): MemberServing => ({ service, version: '1.0.0', release: `${id}-${service}`, set: setOf(id) });
const alone = (service: string, release: string): MemberServing => ({ service, version: '1.0.1', release, set: null });
const SERVICES = ['api', 'web'];

describe('what the services of a set serve', () => {
  it('is whole when all of them were released as one, and when a whole set was taken back', () => {
    expect(servingTogether(SERVICES, [inSet('api', '02'), inSet('web', '02')])).toEqual({ whole: setOf('02'), apart: null, behind: [] });
  });

  it('is apart, and nobody behind, when one was released by itself since', () => {
    const { whole, apart, behind } = servingTogether(SERVICES, [inSet('api', '02'), alone('web', '03')]);
    expect([whole, behind]).toEqual([null, []]);
    expect(apart).toContain('web 1.0.1 (released by itself)');
  });

  it.each([
    ['an older set', inSet('web', '01')],
    ['an older release of its own', alone('web', '01')],
  ])('has a service behind that is on %s than its companions', (_what, web) => {
    expect(servingTogether(SERVICES, [inSet('api', '02'), web])).toMatchObject({ whole: null, behind: ['web'] });
  });

  it('is not whole when the set has got another service since, or nothing was released', () => {
    const three = servingTogether([...SERVICES, 'mail'], [inSet('api', '02'), inSet('web', '02'), null]);
    expect(three).toMatchObject({ whole: null, behind: [], apart: expect.stringContaining('nothing of mail') as string });
    expect(servingTogether(SERVICES, [null, null]).apart).toBe('nothing was released yet');
  });
});
