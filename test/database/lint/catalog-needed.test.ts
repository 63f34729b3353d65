import { describe, expect, test } from 'vitest';
import { REFUSED, REFUSED_BY_CATALOG, TAKEN, TAKEN_WITH_CATALOG } from './needed-cases.ts';
import { withCatalog } from './refusals.ts';
import { ofRule } from './support.ts';

describe('what something still needs, as the catalog says', () => {
  const both = withCatalog();

  test.each([...REFUSED, ...REFUSED_BY_CATALOG])('%s | %s is refused, and told', async (before, sql) => {
    const { refused, findings, verdict } = await both([before, sql]);
    expect(refused).not.toBeNull();
    expect(ofRule(findings, 'still-needed')).toMatchObject([{ severity: 'error', certainty: 'known' }]);
    expect(verdict).toBe('fail');
  });

  // A temporary relation is there for its session only.
  const taken = [...TAKEN, ...TAKEN_WITH_CATALOG].filter(([before]) => !before.includes(' TEMP TABLE '));
  test.each(taken)('%s | %s is taken, and not told', async (before, sql) => {
    const { refused, findings } = await both([before, sql]);
    expect(refused).toBeNull();
    expect(ofRule(findings, 'still-needed')).toEqual([]);
  });
});
