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

describe('bare names where the database looks into another schema first', () => {
  const both = withCatalog('s, public');
  const APP = 'CREATE SCHEMA s; CREATE TABLE s.t (a int); CREATE VIEW s.v AS SELECT a FROM s.t; CREATE TABLE public.u (b int);';
  const told = async (sql: string) => {
    const { refused, findings } = await both([APP, sql]);
    return [refused === null, ...findings.filter(({ rule }) => RULES.has(rule) || rule === 'still-needed').map(({ rule }) => rule)];
  };

  test.each([
    ['DROP TABLE t', 'still-needed'],
    ['ALTER TABLE t DROP COLUMN a', 'still-needed'],
    ['ALTER TABLE t ADD a int', 'already-there'],
    ['CREATE TABLE t (a int)', 'already-there'],
    ['ALTER TABLE u DROP COLUMN a', 'not-there'],
    ['DROP VIEW v; DROP TABLE t; SELECT a FROM s.t', 'not-there'],
  ])('%s is refused, and told', async (sql, rule) => {
    expect(await told(sql)).toEqual([false, rule]);
  });

  test.each([
    'CREATE TABLE u (a int); ALTER TABLE u DROP COLUMN a',
    'ALTER TABLE u DROP COLUMN b; SELECT a FROM v',
    'DROP VIEW v; DROP TABLE t; CREATE TABLE t (b int); ALTER TABLE t DROP COLUMN b',
    'SET search_path = public; CREATE TABLE t (b int)',
  ])('%s is taken, and not told', async (sql) => {
    expect(await told(sql)).toEqual([true]);
  });
});
