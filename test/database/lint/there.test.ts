import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Case } from './needed-cases.ts';
import { startRefusals, type Refusals } from './refusals.ts';
import { judge } from './support.ts';
import { ALREADY, FINE, NOT } from './there-cases.ts';

const RULES: ReadonlySet<string> = new Set(['already-there', 'not-there']);

const told = async ([before, sql]: Case) =>
  (await judge([before, sql], { transactions: 'statement' })).findings.filter(({ rule }) => RULES.has(rule));

describe('what is there already, or not', () => {
  let server: Refusals;
  beforeAll(async () => {
    server = await startRefusals();
  });
  afterAll(() => server.stop());

  test.each(ALREADY)('%s | %s is refused, and told', async (before, sql) => {
    // Names of relations, columns and other things, and a second primary key.
    expect(await server.of([before, sql])).toMatch(/^(?:42P07|42701|42710|42P16)$/);
    expect(await told([before, sql])).toMatchObject([{ rule: 'already-there', severity: 'error', certainty: 'known' }]);
  });

  test.each(NOT)('%s | %s is refused, and told', async (before, sql) => {
    expect(await server.of([before, sql])).toMatch(/^(?:42P01|42703|42704|22023)$/);
    expect(await told([before, sql])).toMatchObject([{ rule: 'not-there', severity: 'error', certainty: 'known' }]);
  });

  test.each(FINE)('%s | %s is taken, and not told', async (before, sql) => {
    expect(await server.of([before, sql])).toBeNull();
    expect(await told([before, sql])).toEqual([]);
  });
});
