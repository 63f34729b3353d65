/** How sure the bound is. */
const CONFIDENCE = 0.95;

/**
 * The highest share of bad rows that is still likely (95 %, one-sided, exact after Clopper and Pearson) when `bad` of `sampled` rows
 * were bad. Without a single bad one of n rows it is about 3 / n. Rows count as independent of each other.
 */
export function upperShare(bad: number, sampled: number): number {
  if (sampled === 0 || bad >= sampled) return 1;
  if (bad === 0) return 1 - (1 - CONFIDENCE) ** (1 / sampled);
  let [low, high] = [bad / sampled, 1];
  // Halved so often that what is left is below what a double can tell apart.
  for (let round = 0; round < 60; round += 1) {
    const share = (low + high) / 2;
    if (atMost(bad, sampled, share) > 1 - CONFIDENCE) low = share;
    else high = share;
  }
  return high;
}

/** Probability of at most `bad` bad ones among `sampled`, each bad with `share`; summed in logarithms, so that many rows underflow nothing. */
function atMost(bad: number, sampled: number, share: number): number {
  const odds = Math.log(share) - Math.log1p(-share);
  let term = sampled * Math.log1p(-share);
  let sum = Math.exp(term);
  for (let k = 1; k <= bad; k += 1) {
    term += Math.log((sampled - k + 1) / k) + odds;
    sum += Math.exp(term);
  }
  return sum;
}
