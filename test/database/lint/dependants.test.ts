import { describe, expect, test } from 'vitest';
import { REFUSED, TAKEN, type Case } from './needed-cases.ts';
import { refusals } from './refusals.ts';
import { judge, ofRule } from './support.ts';

describe('what something still needs', () => {
  const refused = refusals();

  const told = async ([before, sql]: Case) => ofRule((await judge([before, sql], { transactions: 'statement' })).findings, 'still-needed');

  test.each(REFUSED)('%s | %s is refused, and told', async (before, sql) => {
    expect(await refused([before, sql])).toMatch(/^(?:2BP01|0A000|42P16)$/);
    const [found, ...more] = await told([before, sql]);
    expect(more).toEqual([]);
    expect(found).toMatchObject({ severity: 'error', certainty: 'known', fix: expect.any(String) as unknown });
  });

  test.each(TAKEN)('%s | %s is taken, and not told', async (before, sql) => {
    expect(await refused([before, sql])).toBeNull();
    expect(await told([before, sql])).toEqual([]);
  });

  test('what it proposes is taken', async () => {
    const proposed = REFUSED.filter(([, sql]) => /^(?:DROP|ALTER)/.test(sql) && !sql.includes('INDEX'));
    for (const [before, sql] of proposed) {
      let fix = sql;
      // Each step may show a dependant of its own.
      for (let round = 0; round < 3; round += 1) fix = (await told([before, fix]))[0]?.fix ?? fix;
      expect(await refused([before, fix]), fix).toBeNull();
    }
  });
});
