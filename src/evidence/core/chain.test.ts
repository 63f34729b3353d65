import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkChain, nextEntry } from '../ledger.ts';
import { NO_PREVIOUS, parseRecord, type LedgerFact } from './chain.ts';
import type { LedgerEntry } from './record.ts';

const fact: LedgerFact = { time: '2026-11-21T09:30:00.000Z', release: 'r1', type: 'step.finished', actor: 'ada', data: { b: 1, a: 'é' } };

function chainOf(data: readonly unknown[]): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const item of data) entries.push(nextEntry(entries.at(-1) ?? null, { ...fact, data: item as never }));
  return entries;
}

describe('the hash chain', () => {
  it('writes canonical lines that name the hash of the line before', () => {
    const [first, second] = chainOf([{ b: 1, a: 'é' }, null]);
    expect(first?.line).toBe(
      `{"actor":"ada","data":{"a":"é","b":1},"prev":"${NO_PREVIOUS}","release":"r1","seq":0,"time":"2026-11-21T09:30:00.000Z","type":"step.finished"}`,
    );
    expect(parseRecord(second?.line ?? '')).toMatchObject({ seq: 1, prev: first?.hash, data: null });
  });

  it('holds for any JSON and breaks at any changed, dropped, doubled or moved entry', () => {
    const chain = fc.array(fc.jsonValue(), { minLength: 3, maxLength: 12 }).map(chainOf);
    fc.assert(
      fc.property(chain, fc.nat(), (entries, pick) => {
        expect(checkChain(entries).verdict).toBe('pass');
        const at = pick % (entries.length - 1);
        const [one, two] = [entries[at]!, entries[at + 1]!];
        const changed = { ...one, line: one.line.replace('"actor":"ada"', '"actor":"eve"') };
        for (const replacement of [[], [one, one], [changed], [{ ...one, hash: two.hash }]])
          expect(checkChain(entries.toSpliced(at, 1, ...replacement)).verdict).toBe('fail');
        expect(checkChain(entries.toSpliced(at, 2, two, one)).verdict).toBe('fail');
      }),
    );
  });

  it('fails when empty, or when another release is mixed in', () => {
    expect(checkChain([]).verdict).toBe('fail');
    const [first] = chainOf([1]);
    expect(checkChain([first!, nextEntry(first!, { ...fact, release: 'r2' })]).reason).toContain('belongs to release r2');
  });

  it('refuses what JSON cannot hold', () => {
    for (const data of [Number.NaN, Infinity, '\ud800', undefined]) {
      expect(() => nextEntry(null, { ...fact, data: data as never })).toThrow(/./);
    }
    expect(() => nextEntry(null, { ...fact, time: '2026-11-21' })).toThrow('not a ledger record');
  });

  it('reads only records', () => {
    const [good] = chainOf([1]);
    const line = good?.line ?? '';
    for (const text of [
      '',
      'null',
      '[]',
      '{}',
      line.replace('"seq":0', '"seq":"0"'),
      line.replace('.000Z', 'Z'),
      line.replace('2026-11', '2026-13'),
      line.replace('{', '{"more":1,'),
    ]) {
      expect(parseRecord(text)).toBeNull();
    }
  });
});
