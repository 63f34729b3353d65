import { detectOnce } from './judge/detectors.ts';
import { rivalsOnce } from './judge/run-rivals.ts';
import { SCENARIOS, type Scenario } from './judge/scenarios.ts';
import { judgeOnce } from './judge/sequential.ts';
import type { BenchResult, BenchRow } from './result.ts';

/** A full run: `npm run bench -- judge --runs 1000`. About a minute and a half per hundred runs, on one quiet core. */
const DEFAULT_RUNS = 100;
/** What is long, and ticks of one second, are played this many times less often. */
const PART = 10;
const SECOND = 1_000;

export interface JudgeOptions {
  readonly runs?: number | undefined;
  readonly seed?: number | undefined;
}

interface Plan {
  readonly runs: number;
  readonly few: number;
  /** Differs by run, scenario and subject, so that no two share their chance. */
  readonly seedOf: (scenario: Scenario, run: number, subject: number) => number;
}

/** The judge, its rivals and two change detectors over all scenarios, with fresh chance each time unless a seed is given. */
export function* benchJudge({
  runs = DEFAULT_RUNS,
  seed = Math.floor(Math.random() * 2 ** 31),
}: JudgeOptions = {}): Generator<BenchResult> {
  const few = Math.max(1, Math.round(runs / PART));
  const seedOf = (scenario: Scenario, run: number, subject: number): number =>
    (seed + Math.imul(SCENARIOS.indexOf(scenario) + 1, 0x9e3779b1) + Math.imul(subject + 1, 0x85ebca6b) + run) | 0;
  const plan = { runs, few, seedOf };
  const seedNote = `seed ${seed}: --seed ${seed} plays the same again; --runs 1000 is a full run, this one had ${runs}`;
  yield sequential(plan, seedNote);
  yield* rivals(plan, seedNote);
  yield detectors(plan, seedNote);
}

function sequential({ runs, few, seedOf }: Plan, seedNote: string): BenchResult {
  const rows = SCENARIOS.map((scenario) => ({
    subject: subjectOf(scenario),
    figures: {
      ...judged(scenario, 10 * SECOND, { times: scenario.long === true ? few : runs, seedOf: (run) => seedOf(scenario, run, 0) }),
      ...(scenario.long === true
        ? {}
        : prefixed('1-s tick: ', judged(scenario, SECOND, { times: few, seedOf: (run) => seedOf(scenario, run, 1) }))),
    },
  }));
  return {
    name: 'judge',
    unit: 'seconds after the onset, % of runs',
    rows,
    notes: [
      seedNote,
      `the sequential judge as the product runs it: errors and latency, alpha split for 5 checkpoints in 24 h; ${runs} runs, ${few} of those of 24 h and of ticks of 1 s`,
      'failed %: taken back; in a healthy scenario (-) that is a false rollback. passed %: pass at the end of the bake; in a bad one (!) that is wrong. The rest was held as unknown',
    ],
  };
}

function judged(
  scenario: Scenario,
  tickMs: number,
  { times, seedOf }: { readonly times: number; readonly seedOf: (run: number) => number },
): BenchRow['figures'] {
  const outcomes = Array.from({ length: times }, (_run, run) => judgeOnce(scenario, tickMs, seedOf(run)));
  const onset = scenario.onset * 60_000;
  const failed = outcomes.filter(({ verdict, endedAt }) => verdict === 'fail' && (scenario.fail === 'never' || endedAt > onset));
  const early = outcomes.filter(({ verdict, endedAt }) => verdict === 'fail' && scenario.fail !== 'never' && endedAt <= onset);
  const delays = failed.map(({ endedAt }) => (endedAt - onset) / SECOND);
  const percent = (some: readonly unknown[]): number => (100 * some.length) / times;
  const shown = scenario.fail === 'must';
  return {
    'failed %': percent(failed),
    median: shown ? quantile(delays, 0.5) : null,
    p95: shown ? quantile(delays, 0.95) : null,
    'missed %': shown ? 100 - percent(failed) : null,
    'passed %': percent(outcomes.filter(({ verdict }) => verdict === 'pass')),
    'too early %': scenario.onset > 0 ? percent(early) : null,
  };
}

/** Rivals see whole minutes. Where a source is silent or a day goes by they are left out: their rules say nothing of the one, and never end the other. */
function rivals({ runs, seedOf }: Plan, seedNote: string): readonly BenchResult[] {
  const played = SCENARIOS.filter(({ long, id }) => long !== true && !id.startsWith('S6')).map((scenario) => ({
    scenario,
    outcomes: Array.from({ length: runs }, (_run, run) => rivalsOnce(scenario, seedOf(scenario, run, 2))),
  }));
  const table = (name: string, unit: string, figure: (outcomes: readonly Outcome[], scenario: Scenario) => number | null): BenchResult => ({
    name,
    unit,
    rows: played.map(({ scenario, outcomes }) => ({
      subject: subjectOf(scenario),
      figures: Object.fromEntries(
        Object.keys(outcomes[0] ?? {}).map((rival) => [
          rival,
          figure(
            outcomes.flatMap((one) => one[rival] ?? []),
            scenario,
          ),
        ]),
      ),
    })),
    notes: [
      seedNote,
      'one pod of ten; Fixed-delta, Documented and Kayenta compare with an equal-size baseline, on the metric of the scenario alone',
    ],
  });
  const percent = (some: readonly Outcome[], of: readonly Outcome[]): number => (100 * some.length) / of.length;
  const late = (outcomes: readonly Outcome[], { onset }: Scenario): readonly number[] =>
    outcomes.flatMap(({ failedAt }) => (failedAt !== null && failedAt > onset ? [failedAt - onset] : []));
  return [
    table('judge: rivals, taken back', '% of runs', (outcomes, scenario) =>
      percent(
        outcomes.filter(({ failedAt }) => failedAt !== null && (scenario.fail === 'never' || failedAt > scenario.onset)),
        outcomes,
      ),
    ),
    table('judge: rivals, delay', 'median minutes after the onset', (outcomes, scenario) =>
      scenario.fail === 'must' ? quantile(late(outcomes, scenario), 0.5) : null,
    ),
    table('judge: rivals, not passed at the end', '% of runs', (outcomes) =>
      percent(
        outcomes.filter(({ held }) => held),
        outcomes,
      ),
    ),
  ];
}

type Outcome = ReturnType<typeof rivalsOnce>[string];

const DETECTED: ReadonlySet<string> = new Set([
  'N1',
  'N5',
  'N6',
  'P1',
  'B1',
  'E1',
  'E1+20',
  'E2',
  'E2+20',
  'E3',
  'E4',
  'E5',
  'E1+1440',
  'E2+1440',
]);

function detectors({ runs, few, seedOf }: Plan, seedNote: string): BenchResult {
  const rows = SCENARIOS.filter(({ id }) => DETECTED.has(id)).map((scenario) => {
    const outcomes = Array.from({ length: scenario.long === true ? few : runs }, (_run, run) =>
      detectOnce(scenario, seedOf(scenario, run, 3)),
    );
    const figures = (name: string, of: (outcome: (typeof outcomes)[number]) => number | null): BenchRow['figures'] => {
      const delays = outcomes.map(of).filter((delay) => delay !== null && (scenario.fail === 'never' || delay > 0));
      return {
        [`${name} %`]: (100 * delays.length) / outcomes.length,
        [`${name} median`]: quantile(delays, 0.5),
        [`${name} p95`]: quantile(delays, 0.95),
      };
    };
    return {
      subject: subjectOf(scenario),
      figures: {
        ...figures('SR', ({ shiryaevRoberts }) => shiryaevRoberts),
        ...figures('CUSUM', ({ cusum }) => cusum),
        'too early %': (100 * outcomes.filter(({ early }) => early).length) / outcomes.length,
      },
    };
  });
  return {
    name: 'judge: change detectors',
    unit: 'seconds after the onset, % of runs',
    rows,
    notes: [seedNote, 'both on the same counts, with the same threshold; errors alone, no guards, no warm-up'],
  };
}

function subjectOf({ id, says, fail }: Scenario): string {
  return `${id} ${says} (${{ never: '-', must: '!', report: '~' }[fail]})`;
}

function prefixed(prefix: string, figures: BenchRow['figures']): BenchRow['figures'] {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${prefix}${name}`, value]));
}

function quantile(values: readonly (number | null)[], part: number): number | null {
  const sorted = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? null;
}
