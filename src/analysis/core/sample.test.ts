import { describe, expect, it } from 'vitest';
import { sampleBinomial, sampleGamma, sampleLognormal, sampleNormal, samplePoisson, seededRandom, type Random } from './sample.ts';

const DRAWS = 20_000;

/** Mean and variance of many draws, each as a distance from what is expected in standard errors of the mean, or relative. */
function momentsOf(draw: (random: Random) => number, seed = 7): { readonly mean: number; readonly variance: number } {
  const random = seededRandom(seed);
  const values = Array.from({ length: DRAWS }, () => draw(random));
  const mean = values.reduce((sum, value) => sum + value, 0) / DRAWS;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (DRAWS - 1) };
}

function expectMoments(draw: (random: Random) => number, mean: number, variance: number): void {
  const found = momentsOf(draw);
  expect(Math.abs(found.mean - mean)).toBeLessThan(4 * Math.sqrt(variance / DRAWS));
  expect(found.variance / variance).toBeGreaterThan(0.9);
  expect(found.variance / variance).toBeLessThan(1.1);
}

describe('samples', () => {
  it('are the same for the same seed and others for another', () => {
    const draw = (seed: number): readonly number[] => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(0).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it.each([0.05, 3, 12, 13, 90, 5_400])('Poisson with mean %d', (mean) => {
    expectMoments((random) => samplePoisson(mean, random), mean, mean);
  });

  it.each([
    [1, 0.3],
    [20, 0.5],
    [900, 0.005],
    [900, 0.2],
    [900, 0.97],
    [100_000, 0.4],
  ])('binomial of %d with share %d', (trials, share) => {
    expectMoments((random) => sampleBinomial(trials, share, random), trials * share, trials * share * (1 - share));
  });

  it('binomial stays within its trials, at the edges too', () => {
    const random = seededRandom(3);
    expect([sampleBinomial(0, 0.5, random), sampleBinomial(9, 0, random), sampleBinomial(9, 1, random)]).toEqual([0, 0, 9]);
    for (let n = 0; n < 2_000; n++) {
      const trials = Math.floor(random() * 200);
      const found = sampleBinomial(trials, random(), random);
      expect(Number.isInteger(found) && found >= 0 && found <= trials).toBe(true);
    }
    expect([samplePoisson(0, random), samplePoisson(-1, random)]).toEqual([0, 0]);
  });

  it.each([0.25, 1, 4, 60])('gamma of shape %d', (shape) => {
    expectMoments((random) => sampleGamma(shape, random), shape, shape);
  });

  it('normal and lognormal', () => {
    expectMoments(sampleNormal, 0, 1);
    const sigma = 0.2;
    const mean = 80 * Math.exp(sigma ** 2 / 2);
    expectMoments((random) => sampleLognormal(80, sigma, random), mean, mean ** 2 * (Math.exp(sigma ** 2) - 1));
  });
});
