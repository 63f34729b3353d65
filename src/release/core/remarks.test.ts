import { expect, it } from 'vitest';
import { addTick, DEFAULT_POLICY, judgementOf, LATENCY, startJudge, type Judge } from '../../analysis/index.ts';
import { recordOf } from './canary-record.ts';
import { remarksOf, shiftRemarks } from './remarks.ts';

const policy = { ...DEFAULT_POLICY, metrics: [{ ...LATENCY, warmupMs: 0 }] };
const at = { canary: { group: 'g', version: '1.1.0' }, weight: 10 };

function after(bad: number): Judge {
  const latency = { canary: { requests: 100, bad }, stable: { requests: 900, bad: 9 } };
  const ticks = Array.from({ length: 400 }, (_tick, index) => ({ at: (index + 1) * 10_000, metrics: { latency } }));
  return ticks.reduce<Judge>(addTick, startJudge(policy, { checkpoints: 1, periods: 8_640 }));
}

it('a canary that passed while it was credibly worse is a remark, and in the record', () => {
  // Every tick 1.3 % against 1 %, of 40,000 canary requests.
  const judgement = judgementOf(
    [...Array(400).keys()].reduce<Judge>(
      (judge, index) => {
        const latency = { canary: { requests: 100, bad: index % 10 < 9 ? 1 : 4 }, stable: { requests: 900, bad: 9 } };
        return addTick(judge, { at: (index + 1) * 10_000, metrics: { latency } });
      },
      startJudge(policy, { checkpoints: 1, periods: 8_640 }),
    ),
  );
  expect(judgement.verdict).toBe('pass');
  const [remark] = shiftRemarks(judgement, at);
  expect(remark).toMatch(/^1\.1\.0 at 10 %: latency is worse than the stable version \(1\.\d+ to 1\.\d+ times .*tolerated$/);
  expect(recordOf(judgement)['metrics']).toMatchObject([{ shift: { direction: 'worse' } }]);
  const steps = { 'deploy.judge-10': { facts: { remarks: [remark ?? ''] } } } as never;
  expect(remarksOf({ steps })).toEqual([remark]);
});

it('one that is alike is none', () => expect(shiftRemarks(judgementOf(after(1)), at)).toEqual([]));
