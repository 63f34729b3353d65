import { expect, it } from 'vitest';
import { aFlag } from '../../../../test/server/bed.ts';
import type { Snapshot } from '../mount.ts';
import { createOfrepEvaluator, type OfrepEvaluator } from './evaluate.ts';

function snapshotOf(enabled: boolean): Snapshot {
  const set = { format: 1, environment: 'dev', seq: 10, flags: { ops_a: aFlag({ enabled }) }, segments: {} } as const;
  return { environment: 'dev', seq: 10, history: '', set, flagRevisions: new Map(), segmentRevisions: new Map() };
}

it('tells by its hash whether anything else is told, in every process', () => {
  const [one, other] = [createOfrepEvaluator(), createOfrepEvaluator()];
  const hashOf = (evaluator: OfrepEvaluator, snapshot: Snapshot, targetingKey: string): string =>
    evaluator.bulk(snapshot, JSON.stringify({ context: { targetingKey } })).hash;
  const wanted = hashOf(one, snapshotOf(true), 'u');
  expect([hashOf(one, snapshotOf(true), 'someone else'), hashOf(other, snapshotOf(true), 'u')]).toEqual([wanted, wanted]);
  expect(hashOf(other, snapshotOf(false), 'u')).not.toBe(wanted);
});

it('tells everything, in the order of the flags, whatever it told others before', () => {
  const flag = aFlag({
    valueType: 'string',
    variants: { a: 'first', b: 'é', c: 'third' },
    off: 'a',
    rules: [
      { name: 'one', when: { attribute: 'plan', operator: 'eq', value: 'pro' }, serve: { variant: 'b' } },
      { name: 'two', when: { attribute: 'plan', operator: 'eq', value: 'team' }, serve: { variant: 'b' } },
    ],
    default: { variant: 'c' },
  });
  const broken = { ...flag, hash: 2 as 1 };
  const set = { format: 1, environment: 'dev', seq: 1, flags: { x: flag, broken, y: flag }, segments: {} } as const;
  const snapshot: Snapshot = { environment: 'dev', seq: 1, history: '', set, flagRevisions: new Map(), segmentRevisions: new Map() };
  const evaluator = createOfrepEvaluator();
  for (const plan of ['free', 'pro', 'team', 'free', 'pro']) {
    const body = JSON.stringify({ context: { targetingKey: 'u', plan } });
    const singles = ['x', 'broken', 'y'].map((key) => evaluator.single(snapshot, key, body).text);
    expect(evaluator.bulk(snapshot, body).text(',"é":1', Buffer.allocUnsafe).toString()).toBe(`{"flags":[${singles.join(',')}],"é":1}`);
  }
});

it('keeps what a snapshot answered for that snapshot, and not for another one of the same number', () => {
  const evaluator = createOfrepEvaluator();
  const body = '{"context":{"targetingKey":"u"}}';
  const before = snapshotOf(true);
  const textOf = (snapshot: Snapshot): string => evaluator.bulk(snapshot, body).text('', Buffer.allocUnsafe).toString();
  expect(textOf(before)).toBe('{"flags":[{"key":"ops_a","reason":"STATIC","variant":"on","value":true}]}');
  expect(textOf(snapshotOf(false))).toContain('"value":false');
  expect(textOf(before)).toContain('"value":true');
});
