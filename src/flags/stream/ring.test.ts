import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRing } from './ring.ts';

const frame = (seq: number): Buffer => Buffer.from(`<${seq}>`);
const texts = (frames: readonly Buffer[] | null): string | null => (frames === null ? null : frames.map(String).join(''));

it('a ring answers exactly what is missing, or that it does not know', () => {
  const options = fc.record({ most: fc.integer({ min: 1, max: 9 }), mostBytes: fc.integer({ min: 0, max: 40 }) });
  fc.assert(
    fc.property(fc.nat(20), fc.nat(30), options, (start, added, limits) => {
      const ring = createRing(start, limits);
      const newest = start + added;
      for (let seq = start + 1; seq <= newest; seq++) ring.add(seq, frame(seq));
      for (let from = -1; from <= newest + 2; from++) {
        const missing = Array.from({ length: Math.max(0, newest - from) }, (_, index) => frame(from + 1 + index));
        const found = ring.since(from);
        expect([null, texts(missing)]).toContain(texts(found));
        if (from === newest) expect(found).toEqual([]);
        if (from > newest || newest - from > limits.most) expect(found).toBeNull();
        // What fits is kept.
        const fits = missing.length <= limits.most && Buffer.concat(missing).length <= limits.mostBytes;
        if (from >= start && fits && from < newest) expect(texts(found)).toBe(texts(missing));
      }
    }),
  );
});

it('a ring forgets what does not lead to the newest', () => {
  const ring = createRing(4);
  ring.add(5, frame(5));
  ring.add(9, frame(9));
  expect([texts(ring.since(8)), ring.since(4), ring.since(5)]).toEqual(['<9>', null, null]);
});
