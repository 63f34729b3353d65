import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRecent } from './recent.ts';

it('counts the current minute and the four before it, and nothing older', () => {
  const request = fc.record({ afterMs: fc.nat(200_000), isError: fc.boolean() });
  fc.assert(
    fc.property(fc.array(request), fc.nat(400_000), (requests, later) => {
      const recent = createRecent();
      let now = 0;
      const told = requests.map(({ afterMs, isError }) => {
        now += afterMs;
        recent.add(now, isError);
        return { minute: Math.floor(now / 60_000), isError };
      });
      const oldest = Math.floor((now + later) / 60_000) - 4;
      const fresh = told.filter(({ minute }) => minute >= oldest);
      const errors = fresh.filter(({ isError }) => isError).length;
      expect(recent.read(now + later)).toEqual({ forMs: 300_000, requests: fresh.length, errors });
    }),
  );
});
