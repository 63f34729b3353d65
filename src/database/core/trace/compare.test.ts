import { describe, expect, it } from 'vitest';
import type { Claim } from '../lint/lint-file.ts';
import { difference, type Observed } from './compare.ts';

const claim = (more: Partial<Claim>): Claim => ({ statement: 1, line: 1, locks: [], scans: [], rewrites: [], ...more });
const seen = (more: Partial<Observed>): Observed => ({ locks: [], scans: [], rewrites: [], ...more });
const lock = (relation: string, mode: Observed['locks'][number]['mode']) => ({ relation, mode });
const ALTER = [claim({ locks: [lock('t', 'ACCESS EXCLUSIVE')], rewrites: ['t'] })];

describe('a difference between lint and server', () => {
  it('is none where they agree, the scan of a rewrite included', () => {
    const observed = seen({ locks: [lock('t', 'ACCESS SHARE'), lock('t', 'ACCESS EXCLUSIVE')], rewrites: ['t'], scans: ['t'] });
    expect(difference(ALTER, observed, [], false)).toEqual({ missed: [], careful: [] });
  });

  it('is missed where the server did more', () => {
    const observed = seen({ locks: [lock('t', 'ACCESS EXCLUSIVE'), lock('other', 'SHARE')], rewrites: ['t', 'other'], scans: ['third'] });
    expect(difference(ALTER, observed, [], false).missed).toEqual([
      'lock on other: lint says none, the server took SHARE',
      'rewrite of other: the server did one, lint knows of none',
      'scan of third: the server did one, lint knows of none',
    ]);
    expect(difference([claim({ locks: [lock('t', 'SHARE')] })], seen({ locks: [lock('t', 'EXCLUSIVE')] }), [], false).missed).toEqual([
      'lock on t: lint says SHARE, the server took EXCLUSIVE',
    ]);
  });

  it('is careful where lint says more, unless an earlier statement held as much already', () => {
    expect(difference(ALTER, seen({}), [], false)).toEqual({
      missed: [],
      careful: ['lock on t: lint says ACCESS EXCLUSIVE, the server took none', 'rewrite of t: lint says so, the server did none'],
    });
    expect(difference([claim({ locks: [lock('t', 'SHARE')] })], seen({}), [lock('t', 'ACCESS EXCLUSIVE')], false).careful).toEqual([]);
  });

  it('leaves out locks that stop nobody, and how a query was planned', () => {
    const observed = seen({ locks: [lock('t', 'ROW EXCLUSIVE'), lock('u', 'ROW SHARE')], scans: ['u'] });
    expect(difference([], observed, [], true)).toEqual({ missed: [], careful: [] });
    expect(difference([], observed, [], false).missed).toHaveLength(1);
  });
});
