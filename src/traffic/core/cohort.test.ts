import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemsOfCohort } from './cohort-problems.ts';
import { BUCKETS, bucketFor, bucketOf, type Cohort, type CohortRequest, COHORT_COOKIE, cookieIn, isCanary } from './cohort.ts';
import { xxh32 } from './xxh32.ts';

const VERSIONS = { stable: '1.0.0', canary: '1.1.0' };
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function request({ path = '/', headers = {} }: { readonly path?: string; readonly headers?: Record<string, string> }): CohortRequest {
  return { path, header: (name) => headers[name.toLowerCase()], cookie: (name) => cookieIn(headers['cookie'] ?? '', name) };
}

const asked = (cohort: Cohort, headers: Record<string, string>, path = '/') => bucketFor(cohort, request({ path, headers }), VERSIONS);

describe('xxh32', () => {
  // The first and the last are of the specification and its well-known examples, the others HAProxy's; the contract compares more.
  it.each([
    ['', 0x02cc5d05],
    ['a', 1_426_945_110],
    [utf8('Zoë, b'), 1_729_530_680],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ])('of %j', (text, hash) => expect(xxh32(text)).toBe(hash));
});

describe('a cohort', () => {
  const byUser: Cohort = { key: { header: 'X-User-Id', cookie: 'uid' } };

  it('gives a user one bucket, by header or by cookie, whatever the characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (name) => {
        const key = utf8(name).replaceAll(/[;\s]/g, '_');
        const bucket = asked(byUser, { 'x-user-id': key });
        expect(bucket).toBe(bucketOf(key));
        expect(asked(byUser, { cookie: `a=b; uid=${key}` })).toBe(bucket);
        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(BUCKETS);
      }),
    );
  });

  it('keeps whoever is in at a weight at every higher one', () => {
    fc.assert(
      fc.property(fc.nat({ max: BUCKETS - 1 }), fc.nat({ max: 100 }), fc.nat({ max: 100 }), (bucket, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        if (isCanary(bucket, low)) expect(isCanary(bucket, high)).toBe(true);
        expect([isCanary(bucket, 0), isCanary(bucket, 100)]).toEqual([false, true]);
      }),
    );
  });

  it.each([1, 5, 25, 50])('has %i %% of 100,000 numbered users within a point', (weight) => {
    const users = Array.from({ length: 100_000 }, (_, index) => bucketOf(`user-${index}`));
    expect(Math.abs(users.filter((bucket) => isCanary(bucket, weight)).length / 1_000 - weight)).toBeLessThan(1);
  });

  it('never fails on a hostile value', () => {
    const hostile = fc.oneof(fc.string({ unit: 'binary' }), fc.constant('x'.repeat(50_000)), fc.constant('\u0000\r\n;=,"\u{1f680}'));
    const full: Cohort = { key: { header: 'a', cookie: 'a' }, force: { header: 'f', cookie: 'f' }, sticky: true, only: { paths: ['/'] } };
    fc.assert(
      fc.property(hostile, hostile, fc.boolean(), (value, cookie, isKey) => {
        const headers = { [isKey ? 'a' : 'f']: value, cookie: `${COHORT_COOKIE}=${cookie}` };
        expect(['number', 'string']).toContain(typeof asked(full, headers));
      }),
    );
  });

  it('deals to whoever has no key, or lets them draw and keep a bucket', () => {
    const sticky = { ...byUser, sticky: true };
    expect([asked(byUser, {}), asked(byUser, { 'x-user-id': '', cookie: 'uid=' })]).toEqual(['deal', 'deal']);
    expect([asked(sticky, {}), asked(sticky, { cookie: 'slipway-cohort=x' }), asked(sticky, { cookie: 'slipway-cohort=12345' })]).toEqual([
      'draw',
      'draw',
      'draw',
    ]);
    expect(asked(sticky, { cookie: 'slipway-cohort=417' })).toBe(417);
    expect(asked(sticky, { cookie: 'slipway-cohort=417', 'x-user-id': 'a' })).toBe(bucketOf('a'));
  });

  it.each([
    ['canary', 0],
    ['1.1.0', 0],
    ['stable', 9_999],
    ['1.0.0', 9_999],
    ['2.0.0', 5_110],
  ])('is overridden by %s, only where that is declared', (value, bucket) => {
    const headers = { 'x-user-id': 'a', force: value, cookie: `force=${value}` };
    expect(asked({ ...byUser, force: { header: 'force' } }, headers)).toBe(bucket);
    expect(asked({ ...byUser, force: { cookie: 'force' } }, headers)).toBe(bucket);
    expect(asked(byUser, headers)).toBe(5_110);
  });

  it('is for matching requests only, whatever they ask for', () => {
    const only: Cohort = { force: { header: 'force' }, only: { paths: ['/checkout', '/a/'], headers: { 'x-region': ['eu', 'us'] } } };
    const at = (path: string, region: string) => asked(only, { 'x-region': region, force: 'canary' }, path);
    expect([at('/checkout', 'eu'), at('/checkout/1', 'us'), at('/a/b', 'us')]).toEqual([0, 0, 0]);
    expect([at('/checkouts', 'eu'), at('/', 'eu'), at('/checkout', 'EU'), at('/checkout', ''), at('/a', 'eu')]).toEqual(
      Array.from({ length: 5 }, () => 9_999),
    );
  });

  it.each<[string, Cohort]>([
    ['says nothing', {}],
    ['a header', { key: { header: 'x user' } }],
    ['a cookie', { force: { cookie: 'a;b' } }],
    ['needs a header or a cookie', { key: {} }],
    ['needs paths or headers', { only: {} }],
    ['paths is empty', { only: { paths: [] } }],
    ['without a query', { only: { paths: ['/a?b'] } }],
    ['must begin with', { only: { paths: ['a'] } }],
    ['has no value', { only: { headers: { 'x-region': [] } } }],
    ['visible ASCII', { only: { headers: { 'x-region': ['e\nu'] } } }],
  ])('is refused where it %s', (words, cohort) => expect(problemsOfCohort(cohort).join()).toContain(words));
});
