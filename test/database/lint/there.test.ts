import { describe, expect, test } from 'vitest';
import type { Case } from './needed-cases.ts';
import { refusals } from './refusals.ts';
import { judge } from './support.ts';
import { ALREADY, FINE, NOT, VALUES } from './there-cases.ts';

const RULES: ReadonlySet<string> = new Set(['already-there', 'not-there', 'refused-value']);

const told = async ([before, sql]: Case) =>
  (await judge([before, sql], { transactions: 'statement' })).findings.filter(({ rule }) => RULES.has(rule));

describe('what is there already, or not', () => {
  const refused = refusals();

  test.each(ALREADY)('%s | %s is refused, and told', async (before, sql) => {
    // Names of relations, columns and other things, and a second primary key.
    expect(await refused([before, sql])).toMatch(/^(?:42P06|42P07|42701|42710|42P16|42723)$/);
    expect(await told([before, sql])).toMatchObject([{ rule: 'already-there', severity: 'error', certainty: 'known' }]);
  });

  test.each(NOT)('%s | %s is refused, and told', async (before, sql) => {
    expect(await refused([before, sql])).toMatch(/^(?:3F000|42P01|42703|42704|42883|22023)$/);
    expect(await told([before, sql])).toMatchObject([{ rule: 'not-there', severity: 'error', certainty: 'known' }]);
  });

  test.each(VALUES)('%s | %s is refused, and told', async (before, sql) => {
    expect(await refused([before, sql])).toMatch(/^(?:22P02|23502)$/);
    expect(await told([before, sql])).toMatchObject([{ rule: 'refused-value', severity: 'error', certainty: 'known' }]);
  });

  test.each(FINE)('%s | %s is taken, and not told', async (before, sql) => {
    expect(await refused([before, sql])).toBeNull();
    expect(await told([before, sql])).toEqual([]);
  });
});
