import { shuffleDeck } from '../../core/deck.ts';

/** Deals requests to backends by weight. */
export interface Dealer {
  /** Index of the backend whose turn it is; -1 without backends. */
  deal(backends: readonly { readonly group: string; readonly weight: number }[]): number;
}

/** Deals deck after deck; a change of weights begins a new deck, so it takes effect with the next request. */
export function createDealer(random: () => number): Dealer {
  let dealtFor: unknown = null;
  let deck: readonly number[] = [];
  let dealt = 0;
  return {
    deal: (backends) => {
      if (backends !== dealtFor || dealt >= deck.length) {
        dealtFor = backends;
        deck = shuffleDeck(
          backends.map(({ weight }) => weight),
          random,
        );
        dealt = 0;
      }
      return deck[dealt++] ?? -1;
    },
  };
}
