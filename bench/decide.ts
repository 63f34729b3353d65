import { applyEvent } from '../src/release/core/state.ts';
import { foldEvents, next, type NewEvent, type ReleaseEvent } from '../src/release/index.ts';
import { aPlan } from '../test/support/plan.ts';
import type { BenchResult, BenchRow } from './result.ts';
import { median, spread } from './stats.ts';

const SIZES = [50, 500, 5_000] as const;
const ROUNDS = 9;

/** The state machine alone: reading a ledger into state, and deciding what comes next. */
export async function benchDecide(): Promise<BenchResult> {
  const rows: BenchRow[] = [];
  for (const size of SIZES) {
    const events = ledger(size);
    const last = events.at(-1);
    if (last === undefined) throw new Error('A ledger has events');
    const state = foldEvents(events);
    const before = foldEvents(events.slice(0, -1));
    const turns = Math.ceil(20_000 / size);
    const fold = each(turns, () => void foldEvents(events));
    const decide = each(20_000, () => void next(state, last.time));
    const turn = each(turns, () => void next(foldEvents(events), last.time));
    const one = each(20_000, () => void applyEvent(before, last));
    rows.push({
      subject: `${size} events`,
      figures: {
        ...spread(fold, 'us fold'),
        'us next()': median(decide),
        'us one event': median(one),
        'turns/s': 1_000_000 / median(turn),
      },
    });
  }
  return {
    name: 'decide',
    unit: 'us',
    rows,
    notes: [`a turn is what the driver does before each action: fold the whole ledger, then next(); median of ${ROUNDS}`],
  };
}

/** Microseconds per call, one figure per round; the first round warms up. */
function each(times: number, work: () => void): readonly number[] {
  return Array.from({ length: ROUNDS + 1 }, () => {
    const before = performance.now();
    for (let n = 0; n < times; n++) work();
    return ((performance.now() - before) * 1_000) / times;
  }).slice(1);
}

/** A release that has gone through its steps and then looks, and looks again. */
function ledger(size: number): readonly ReleaseEvent[] {
  const plan = aPlan();
  const observe = plan.steps.find((step) => step.repeat !== null);
  if (observe === undefined) throw new Error('The sample plan observes');
  const before = plan.steps.slice(0, plan.steps.indexOf(observe));
  const news: NewEvent[] = [
    { type: 'release.requested', data: { plan, wait: false, previousLedger: null } },
    { type: 'driver.claimed', data: { driver: 'bench', fence: 1, takeover: false } },
    { type: 'lock.acquired', data: { key: 'shop/dev' } },
    ...before.flatMap((step) => tried(step.id, step.stage, 1)),
  ];
  for (let attempt = 1; news.length < size; attempt++) news.push(...tried(observe.id, observe.stage, attempt));
  return news.slice(0, size).map((event, seq) => ({ ...event, seq, time: 1_000_000 + seq, actor: 'bench' }));
}

function tried(step: string, stage: string, attempt: number): readonly NewEvent[] {
  const at = '2026-01-01T00:00:00.000Z';
  return [
    { type: 'step.intended', data: { step, stage, attempt, key: `bench/${step}/${attempt}` } },
    {
      type: 'step.finished',
      data: {
        step,
        stage,
        attempt,
        verdict: 'pass',
        reason: 'ok',
        retry: false,
        startedAt: at,
        finishedAt: at,
        checks: [],
        facts: {},
        log: null,
      },
    },
  ];
}
