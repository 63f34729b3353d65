import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aPlan } from '../../../test/support/plan.ts';
import { DEFAULT_POLICY, plotLines, plotSvg, type Tick } from '../../analysis/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { decisionsOf, plotOf } from './decisions.ts';
import type { ReleaseEvent } from './events.ts';

const plan = aPlan({
  definition: aDefinition({
    strategy: {
      name: 'canary',
      because: null,
      canary: { checkpoints: [{ weight: 5, forMs: 0, pause: false }], everyMs: 500, policy: DEFAULT_POLICY },
    },
  }),
});
const STEP = 'deploy.judge-5';
const START = 1_000_000;

const tick = (sinceStart: number, bad: number, requests = 100): Tick => ({
  at: START + sinceStart,
  metrics: { errors: { canary: { requests, bad }, stable: { requests: 900, bad: 9 } }, latency: null },
});

function look(seq: number, ticks: readonly Tick[], verdict: 'fail' | 'unknown'): ReleaseEvent {
  const judgement = { verdict, metrics: [{ name: 'errors', verdict }, { name: 'queue' }] };
  const facts = { judgement, look: { step: STEP, startedAt: START, scatter: {}, ticks } } as unknown as JsonObject;
  const times = { startedAt: '', finishedAt: '' };
  const data = {
    step: STEP,
    stage: 'deploy',
    attempt: seq,
    verdict,
    reason: `look ${seq}`,
    retry: true,
    ...times,
    checks: [],
    facts,
    log: null,
  } as const;
  return { seq, time: START + seq * 10_000, actor: 'worker', type: 'step.finished', data };
}

describe('decisions', () => {
  const events = [look(1, [tick(2_000, 1), tick(10_000, 0)], 'unknown'), look(2, [tick(12_000, 50)], 'fail')];
  const [decision] = decisionsOf(plan, events);

  it('puts the looks of a checkpoint together and keeps what was decided last', () => {
    expect(decision).toMatchObject({
      step: STEP,
      weight: 5,
      canary: '1.1.0',
      stable: '1.0.0',
      judge: 'sequential',
      verdict: 'fail',
      reason: 'look 2',
    });
    expect(decision).toMatchObject({ startedAt: START, decidedAt: START + 20_000 });
    expect(decisionsOf(plan, [])).toEqual([]);
  });

  it('has every count in some span, of the metrics that were judged and counted', () => {
    expect(decision?.series.map(({ metric }) => metric)).toEqual(['errors']);
    const [series] = decision?.series ?? [];
    expect(series?.spanMs).toBe(500);
    expect(series?.spans.reduce((sum, { canary }) => sum + canary.bad, 0)).toBe(51);
    expect(series?.spans[3]).toEqual({ canary: { requests: 100, bad: 1 }, stable: { requests: 900, bad: 9 } });
  });

  it('has no more spans than a plot has room for, however long it lasted', () => {
    const day = Array.from({ length: 8_640 }, (_tick, index) => tick((index + 1) * 10_000, 1));
    const [series] = decisionsOf(plan, [look(1, day, 'unknown')])[0]?.series ?? [];
    expect(series?.spans.length).toBeLessThanOrEqual(120);
    expect(series?.spans.reduce((sum, { canary }) => sum + canary.bad, 0)).toBe(8_640);
  });

  it('becomes a plot with both versions and the moment of the decision', () => {
    const [series] = decision?.series ?? [];
    if (decision === undefined || series === undefined) throw new Error('There is a series');
    const plot = plotOf(decision, series);
    expect(plot.marks).toEqual([{ x: 20_000, label: 'fail' }]);
    expect(plot.y.to).toBe(0.5);
    expect(plotLines(plot, { width: 80, rows: 1, ascii: false }).join('\n')).toMatch(
      /canary 1\.1\.0 │.*█.*\nstable 1\.0\.0 │[\s\S]*\^ fail|fail \^/,
    );
    expect(plotSvg(plot)).toContain('canary 1.1.0');
  });
});
