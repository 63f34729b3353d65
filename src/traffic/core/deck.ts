/** Requests dealt per shuffle; weights are whole percent, so a deck holds each backend exactly `weight` times. */
export const DECK_SIZE = 100;

/**
 * A shuffled deck of backend indexes in which index i occurs `weights[i]` times (Fisher-Yates). Dealing decks makes the
 * split exact over every hundred requests (low discrepancy), and the shuffle keeps it from falling in step with
 * a client's own rhythm, as plain weighted round robin would: "read, write, read, write" at 50 % must not send
 * every write to one version. `random` answers [0, 1).
 */
export function shuffleDeck(weights: readonly number[], random: () => number): readonly number[] {
  const deck = weights.flatMap((weight, index) => Array.from({ length: weight }, () => index));
  for (let last = deck.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const card = deck[last] ?? 0;
    deck[last] = deck[other] ?? 0;
    deck[other] = card;
  }
  return deck;
}
