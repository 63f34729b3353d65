import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../kernel/index.ts';
import { firstDifference } from './contains.ts';

const json = fc.jsonValue({ maxDepth: 3 }).map((value) => value as JsonValue);

describe('firstDifference', () => {
  it('finds none between a value and itself', () => {
    fc.assert(fc.property(json, (value) => firstDifference(value, value) === null));
  });

  it('ignores keys that were not asked for', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), json),
        fc.string(),
        json,
        (object, key, extra) => key in object || firstDifference(object, { ...object, [key]: extra }) === null,
      ),
    );
  });

  it.each([
    [{ a: { b: 1 } }, { a: { b: 2 } }, '$.a.b should be 1, it is 2'],
    [{ a: 1 }, {}, '$.a should be 1, it is absent'],
    [[1, 2], [1], '$ should be a list of 2'],
    [{ a: {} }, { a: [] }, '$.a should be an object'],
    [1, '1', '$ should be 1, it is "1"'],
  ])('names the first difference between %j and %j', (expected, actual, difference) => {
    expect(firstDifference(expected as JsonValue, actual)).toBe(difference);
  });
});
