import type { Arm } from './counts.ts';

/**
 * How much more the bad requests of the stable version scatter than chance alone would have it: 1 is Poisson, 4 means bursts.
 * Each cell is one instance over one minute: `max(1, mean over cells of (bad - expected)^2 / expected)` with `expected` from the pooled rate
 * (Pearson's statistic over its cells; the deflation is that of quasi-likelihood, McCullagh and Nelder 1989, section 4.5).
 * Without cells that expect anything it is 1, which says nothing.
 */
export function dispersionOf(cells: readonly Arm[]): number {
  const requests = cells.reduce((sum, cell) => sum + cell.requests, 0);
  const bad = cells.reduce((sum, cell) => sum + cell.bad, 0);
  if (bad === 0) return 1;
  const scatter = cells
    .map((cell) => ({ bad: cell.bad, expected: (cell.requests * bad) / requests }))
    .filter(({ expected }) => expected > 0)
    .map((cell) => (cell.bad - cell.expected) ** 2 / cell.expected);
  return Math.max(1, scatter.reduce((sum, one) => sum + one, 0) / scatter.length);
}
