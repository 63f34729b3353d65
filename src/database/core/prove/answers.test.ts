import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf, type Execution } from './answers.ts';

const origin = fc.constantFrom('none' as const, 'recorded' as const, 'row' as const, 'fresh' as const, 'invented' as const);
const list = fc.constantFrom(null, 0, 1);
const done = fc.record({ ok: fc.constant(true as const), origin, list, rows: fc.nat(3) });
const code = fc.constantFrom('23502', '23503', '23505', '23514', '22001', '42703', '57014', 'P0001');
const refused = fc.record({ ok: fc.constant(false as const), origin, list, code, message: fc.constant('no') });
const executions = fc.array(fc.oneof(done, refused), { maxLength: 5 });

describe('the answer of a statement', () => {
  it('is a pass only where one execution did something, and none was refused by the schema itself', () => {
    fc.assert(
      fc.property(executions, fc.boolean(), (list: readonly Execution[], writes) => {
        const { verdict, origin: of } = answerOf(list, writes, null);
        if (verdict !== 'pass') return;
        expect(list.some((one) => one.ok && one.origin === of && (!writes || one.rows > 0))).toBe(true);
        expect(list.some((one) => !one.ok && /^(42|23502)/.test(one.code))).toBe(false);
      }),
    );
  });

  it('is unknown where nothing was executed', () => {
    expect(answerOf([], false, null).verdict).toBe('unknown');
  });

  it('blames the schema for a duplicate or a missing row only where the very same values worked before', () => {
    const duplicate: Execution = { ok: false, origin: 'recorded', list: 1, code: '23505', message: 'no' };
    const good: Execution = { ok: true, origin: 'recorded', list: 0, rows: 1 };
    const before = answerOf([good, duplicate], true, null);
    expect(before).toMatchObject({ verdict: 'pass', worked: [0] });
    expect(answerOf([good, duplicate], true, before).verdict).toBe('pass');
    expect(answerOf([{ ...duplicate, list: 0 }, good], true, before).verdict).toBe('fail');
  });

  it('does not take a statement that ran too long for one that was refused', () => {
    expect(answerOf([{ ok: false, origin: 'none', list: null, code: '57014', message: 'too long' }], false, null).verdict).toBe('unknown');
  });
});
