import { describe, expect, test } from 'vitest';
import type { Case } from './needed-cases.ts';
import { withCatalog } from './refusals.ts';
import { BY_CATALOG, FINE_WITH_CATALOG } from './catalog-there-cases.ts';
import { ALREADY, FINE, NOT, VALUES } from './there-cases.ts';

const RULES: ReadonlySet<string> = new Set(['already-there', 'not-there', 'refused-value']);

describe('what is there already, or not, as the catalog says', () => {
  const both = withCatalog();
  const told = async (one: Case) => {
    const { refused, findings } = await both(one);
    return { refused, told: findings.filter(({ rule }) => RULES.has(rule)) };
  };
  // A temporary relation is there for its session only.
  const lasting = (cases: readonly Case[]): readonly Case[] => cases.filter(([before]) => !before.includes(' TEMP '));

  test.each(lasting([...ALREADY, ...NOT, ...VALUES, ...BY_CATALOG]))('%s | %s is refused, and told', async (before, sql) => {
    expect(await told([before, sql])).toMatchObject({
      refused: expect.stringMatching(/^\w{5}$/) as unknown,
      told: [{ severity: 'error', certainty: 'known' }],
    });
  });

  test.each(lasting([...FINE, ...FINE_WITH_CATALOG]))('%s | %s is taken, and not told', async (before, sql) => {
    expect(await told([before, sql])).toEqual({ refused: null, told: [] });
  });
});
