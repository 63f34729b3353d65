import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlagSet } from '../definition.ts';
import { applyDelta, judge } from './apply.ts';
import { parseDocument, type DeltaDocument, type SnapshotDocument } from './wire.ts';

const set = (seq: number, environment = 'production'): FlagSet => ({ format: 1, environment, seq, flags: {}, segments: {} });
const delta = (previous: number, seq: number, environment = 'production'): DeltaDocument => ({
  kind: 'delta',
  format: 1,
  environment,
  seq,
  previous,
  flags: {},
  removedFlags: [],
  segments: {},
  removedSegments: [],
  acknowledge: false,
});
const snapshot = (seq: number, environment = 'production'): SnapshotDocument => ({
  ...set(seq, environment),
  kind: 'snapshot',
  keys: [],
  tag: 't',
});
const known = (seq: number | null, askedAt: number | null = seq ?? 0, forked = false) => ({
  set: seq === null ? null : set(seq),
  environment: 'production',
  askedAt,
  forked,
});

describe('what a client does with a document', () => {
  it.each([
    ['the next delta', delta(4, 5), known(4), { kind: 'apply' }],
    ['a delta it has', delta(3, 4), known(4), { kind: 'known' }],
    ['a delta after a gap', delta(5, 6), known(4), { kind: 'gap' }],
    ['a delta that spans what it has', delta(3, 6), known(4), { kind: 'gap' }],
    ['a delta without anything to apply it to', delta(0, 1), known(null), { kind: 'gap' }],
    ['a delta that leads nowhere', delta(4, 4), known(4), { kind: 'refuse', why: 'malformed' }],
    ['a delta of another environment', delta(4, 5, 'staging'), known(4), { kind: 'refuse', why: 'foreign-environment' }],
    ['the first snapshot', snapshot(4), known(null), { kind: 'apply' }],
    ['a newer snapshot', snapshot(9), known(4), { kind: 'apply' }],
    ['the same snapshot', snapshot(4), known(4), { kind: 'apply' }],
    ['an older snapshot', snapshot(3), known(4), { kind: 'refuse', why: 'rolled-back' }],
    ['a snapshot that a delta has overtaken', snapshot(4), known(5, 4), { kind: 'known' }],
    ['an older snapshot that was pushed', snapshot(3), known(4, null), { kind: 'gap' }],
    ['the next delta of a past that is not ours', delta(4, 5), known(4, null, true), { kind: 'gap' }],
    ['an earlier delta of a past that is not ours', delta(2, 3), known(4, null, true), { kind: 'gap' }],
    ['a newer snapshot of a past that is not ours', snapshot(9), known(4, 4, true), { kind: 'apply' }],
    ['a snapshot of another environment', snapshot(9, 'staging'), known(4), { kind: 'refuse', why: 'foreign-environment' }],
  ])('%s', (_name, document, what, expected) => {
    expect(judge(document, what)).toMatchObject(expected);
  });

  it('takes the environment of the first when it was told none', () => {
    expect(judge(snapshot(1, 'staging'), { set: null, environment: null, askedAt: 0, forked: false })).toMatchObject({ kind: 'apply' });
  });

  it('keeps to own properties: a flag may have the name of a prototype', () => {
    const odd = JSON.parse('{"__proto__": {"enabled": false}, "constructor": {"enabled": true}}') as DeltaDocument['flags'];
    const after = applyDelta(set(0), { ...delta(0, 1), flags: odd });
    expect(Object.keys(after.flags).toSorted()).toEqual(['__proto__', 'constructor']);
    expect(Object.keys(applyDelta(after, { ...delta(1, 2), removedFlags: ['__proto__'] }).flags)).toEqual(['constructor']);
  });

  it('reads nothing but whole documents of its format', () => {
    const whole: readonly (readonly [object, string, unknown])[] = [snapshot(3), delta(2, 3)].flatMap((document) =>
      Object.keys(document).flatMap((name) => [undefined, null, -1, true, ['x', 1]].map((wrong) => [document, name, wrong] as const)),
    );
    for (const [document, name, wrong] of whole) {
      expect(parseDocument(JSON.stringify(document))).toEqual(document);
      const isRight = name === 'acknowledge' && wrong === true;
      if (!isRight) expect([name, wrong, parseDocument(JSON.stringify({ ...document, [name]: wrong }))]).toEqual([name, wrong, null]);
    }
  });

  it('never throws, whatever is sent', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseDocument(text)));
  });
});
