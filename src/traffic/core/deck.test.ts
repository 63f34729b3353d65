import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DECK_SIZE, shuffleDeck } from './deck.ts';

const weights = fc
  .array(fc.nat({ max: 100 }), { minLength: 0, maxLength: 4 })
  .chain((cuts) => fc.constant(cuts.toSorted((a, b) => a - b)))
  .map((cuts) => [...cuts, DECK_SIZE].map((cut, index) => cut - (cuts[index - 1] ?? 0)));

/** A small seeded generator (mulberry32), so that a failure can be replayed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('deck of weights', () => {
  it('holds each backend exactly its weight, whatever the randomness', () => {
    fc.assert(
      fc.property(weights, fc.integer(), (list, seed) => {
        const deck = shuffleDeck(list, seeded(seed));
        expect(deck).toHaveLength(DECK_SIZE);
        expect(list.map((_weight, index) => deck.filter((card) => card === index).length)).toEqual(list);
      }),
    );
  });

  it('does not fall in step with a client that alternates reads and writes', () => {
    const random = seeded(42);
    const cards = Array.from({ length: 100 }, () => shuffleDeck([50, 50], random)).flat();
    const evenToSecond = cards.filter((card, index) => index % 2 === 0 && card === 1).length / (cards.length / 2);
    expect(Math.abs(evenToSecond - 0.5)).toBeLessThan(0.03);
  });
});
