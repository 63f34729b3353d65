import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillQuery, problemOfQuery } from './promql.ts';

const values = { version: '1.2.0', service: 'shop', environment: 'prd', group: 'shop/prd/blue' };

/** The strings of a query, read as Prometheus reads them. */
function stringsOf(query: string): readonly string[] {
  return [...query.matchAll(/"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'/g)].map(([, one, other]) =>
    (one ?? other ?? '').replaceAll(/\\(.)/g, (_all, char: string) => ({ n: '\n', r: '\r' })[char] ?? char),
  );
}

describe('a query template', () => {
  it('gets its values, wherever they stand', () => {
    expect(fillQuery('sum(x{version="{{version}}", app=\'{{ service }}\', env="{{environment}}", g="{{group}}"})', values)).toBe(
      'sum(x{version="1.2.0", app=\'shop\', env="prd", g="shop/prd/blue"})',
    );
  });

  it('takes a version as text, also in a pattern', () => {
    expect(fillQuery('x{version=~"{{version}}-.*"}', values)).toBe(String.raw`x{version=~"1\\.2\\.0-.*"}`);
  });

  it('cannot be left by any version: the string holds exactly the version', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('"', "'"), (version, mark) => {
        const filled = fillQuery(`x{v=${mark}{{version}}${mark}}`, { ...values, version });
        expect(filled.startsWith(`x{v=${mark}`) && filled.endsWith(`${mark}}`)).toBe(true);
        expect(stringsOf(filled)).toEqual([version]);
      }),
    );
    expect(fillQuery('x{v="{{version}}"}', { ...values, version: '1"} or vector(1) #' })).toBe(String.raw`x{v="1\"} or vector(1) #"}`);
  });

  it.each([
    ['', /empty/],
    ['sum(x)', /which version/],
    ['sum(x{v="{{versoin}}"})', /"\{\{versoin\}\}" has no value/],
    ['sum({{version}})', /outside a quoted/],
    ['sum(x{v=`{{version}}`})', /outside a quoted/],
    ['x{v="a"} # "{{version}}"', /which version/],
  ])('is refused: %s', (query, problem) => expect(problemOfQuery(query)).toMatch(problem));
});
