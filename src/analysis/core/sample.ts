/** A source of numbers in [0, 1), such as `Math.random`; passed in, so that a simulation can be repeated. */
export type Random = () => number;

/** Below this mean a count is drawn by walking its distribution; above it, the task is split into one of half the size or less. */
const WALK = 12;

/** The same numbers for the same seed (sfc32 by C. Doty-Humphrey, public domain); 32-bit seeds that differ give unrelated streams. */
export function seededRandom(seed: number): Random {
  let [a, b, c, count] = [seed | 0, 0x9e3779b9 | 0, 0x243f6a88, 1];
  const next: Random = () => {
    const sum = (((a + b) | 0) + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
  // The state is mixed before the first number is used.
  for (let n = 0; n < 15; n++) next();
  return next;
}

/** Normal with mean 0 and variance 1 (Box and Muller 1958). */
export function sampleNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log1p(-random())) * Math.cos(2 * Math.PI * random());
}

/** Lognormal: `median exp(sigma z)`. */
export function sampleLognormal(median: number, sigma: number, random: Random): number {
  return median * Math.exp(sigma * sampleNormal(random));
}

/** Gamma of scale 1 and mean `shape` (Marsaglia and Tsang 2000); a shape below 1 by `gamma(shape + 1) u^(1/shape)`. */
export function sampleGamma(shape: number, random: Random): number {
  if (shape < 1) return sampleGamma(shape + 1, random) * (1 - random()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = sampleNormal(random);
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log1p(-random()) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v;
  }
}

/**
 * How many of `trials` succeed. Exact at every size: a large task is split at the middle order statistic of the trials, which is
 * beta distributed (Devroye 1986, X.4.2), until a walk along the distribution is cheap.
 */
export function sampleBinomial(trials: number, share: number, random: Random): number {
  if (!(share > 0) || trials <= 0) return 0;
  if (share >= 1) return trials;
  if (share > 0.5) return trials - sampleBinomial(trials, 1 - share, random);
  let [done, left, p] = [0, trials, share];
  while (left * p > WALK) {
    const middle = Math.floor((left + 1) / 2);
    const one = sampleGamma(middle, random);
    const at = one / (one + sampleGamma(left + 1 - middle, random));
    if (at <= p) {
      done += middle;
      left -= middle;
      p = (p - at) / (1 - at);
    } else {
      left = middle - 1;
      p /= at;
    }
    if (p > 0.5) return done + sampleBinomial(left, p, random);
  }
  return done + walkBinomial(left, p, random);
}

function walkBinomial(trials: number, share: number, random: Random): number {
  const odds = share / (1 - share);
  let chance = Math.exp(trials * Math.log1p(-share));
  let rest = random();
  let successes = 0;
  while (rest > chance && successes < trials) {
    rest -= chance;
    successes += 1;
    chance *= (odds * (trials - successes + 1)) / successes;
  }
  return successes;
}

/** Events of a Poisson process with `mean` of them expected. Exact: a large mean is split at the arrival of its seven eighths (Ahrens and Dieter 1974). */
export function samplePoisson(mean: number, random: Random): number {
  let [done, left] = [0, mean];
  while (left > WALK) {
    const arrivals = Math.floor((7 * left) / 8);
    const at = sampleGamma(arrivals, random);
    if (at > left) return done + sampleBinomial(arrivals - 1, left / at, random);
    done += arrivals;
    left -= at;
  }
  return done + walkPoisson(left, random);
}

function walkPoisson(mean: number, random: Random): number {
  if (!(mean > 0)) return 0;
  let chance = Math.exp(-mean);
  let rest = random();
  let events = 0;
  while (rest > chance && chance > 0) {
    rest -= chance;
    events += 1;
    chance *= mean / events;
  }
  return events;
}
