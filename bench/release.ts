import type { Plan, ReleaseEvent } from '../src/release/index.ts';
import { makeSmallRig, type SmallService } from '../test/e2e/support/small-service.ts';
import type { BenchResult, BenchRow } from './result.ts';
import { median, spread } from './stats.ts';

const ROUNDS = 7;
const TARGET_MS = 2_000;

/** What a subject's slipway.yaml says beside the usual, and the files of its n-th version. */
interface Subject {
  readonly name: string;
  readonly windowMs: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: (round: number) => Readonly<Record<string, string>>;
}

const NO_OPS = { build: 'true', test: 'true', scan: 'true' };

const SUBJECTS: readonly Subject[] = [
  { name: 'no database', windowMs: 1, config: NO_OPS, files: () => ({}) },
  {
    name: 'no database, window 1 s, a look every 250 ms',
    windowMs: 1_000,
    config: { ...NO_OPS, observe: { window: '1s', every: '250ms', because: 'a benchmark' } },
    files: () => ({}),
  },
  {
    name: 'PostgreSQL: backup, verified, one migration',
    windowMs: 1,
    config: {
      ...NO_OPS,
      database: { embedded: 'bench', migrations: 'migrations' },
      smoke: { read: ['GET /'], write: { none: 'a benchmark' }, within: '1s' },
    },
    files: (round) => ({ [`migrations/2026010100${String(round + 10)}00_round.sql`]: `CREATE TABLE round_${round} (id int);\n` }),
  },
];

/** One release as its user and its ledger saw it, in milliseconds. */
interface Timing {
  readonly whole: number;
  /** Until the new version's instances were ready: the service's own start. */
  readonly readiness: number;
  readonly overhead: number;
  /** Where the overhead went, by part. */
  readonly parts: Readonly<Record<string, number>>;
}

/**
 * What a whole `slipway release` costs beyond what its user asked for. The user's build, test and scan do nothing, so everything
 * except the start of the service and the window asked for is overhead, from the start of the CLI to its exit after the seal.
 */
export async function benchRelease(): Promise<readonly BenchResult[]> {
  const rig = await makeSmallRig();
  try {
    const timings = new Map<string, readonly Timing[]>();
    for (const [index, subject] of SUBJECTS.entries())
      timings.set(subject.name, await releases(await rig.service(`bench-${index}`), subject));
    return [overview(timings), breakdown(timings)];
  } finally {
    await rig.close();
  }
}

/** The first release starts the agent and has nothing to replace: it is not counted. */
async function releases(service: SmallService, subject: Subject): Promise<readonly Timing[]> {
  const timings: Timing[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const files = Array.from({ length: round + 1 }, (_one, n) => subject.files(n));
    await service.commit(`1.${round}.0`, { config: subject.config, files: Object.assign({}, ...files) as Record<string, string> });
    const startedAt = Date.now();
    const { exit, said, stdout } = await service.slipway('release', '--json');
    const endedAt = Date.now();
    if (exit !== 0) throw new Error(`The release ended with ${exit}: ${said}`);
    if (round > 0) timings.push(timingOf(eventsOf(stdout), { startedAt, endedAt, windowMs: subject.windowMs }));
  }
  return timings;
}

function eventsOf(stdout: string): readonly ReleaseEvent[] {
  const documents = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly kind: string; readonly event?: ReleaseEvent & { readonly time: number | string } });
  return documents.flatMap(({ event }) => (event === undefined ? [] : [{ ...event, time: new Date(event.time).getTime() }]));
}

interface Wall {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly windowMs: number;
}

function timingOf(events: readonly ReleaseEvent[], { startedAt, endedAt, windowMs }: Wall): Timing {
  const [first] = events;
  const last = events.at(-1);
  const claimed = events.find((event) => event.type === 'driver.claimed');
  if (first?.type !== 'release.requested' || claimed === undefined || last?.type !== 'release.finished')
    throw new Error('Not the ledger of a finished release');
  const steps = stepTimes(events, first.data.plan);
  const readiness = steps.get('apply-group') ?? 0;
  const observing = observed(events, first.data.plan);
  const looks = steps.get('observe') ?? 0;
  steps.delete('apply-group');
  steps.delete('observe');
  const inSteps = [...steps.values()].reduce((sum, ms) => sum + ms, 0);
  const whole = endedAt - startedAt;
  const parts = {
    'CLI: start, plan, submit': first.time - startedAt,
    'until a worker takes it': claimed.time - first.time,
    ...Object.fromEntries([...steps].map(([kind, ms]) => [`step ${kind}`, ms])),
    'window longer than asked': Math.max(looks, observing) - windowMs,
    'between steps (ledger, decisions)': last.time - claimed.time - inSteps - readiness - Math.max(looks, observing),
    'CLI: seal, last words, exit': endedAt - last.time,
  };
  return { whole, readiness, overhead: whole - readiness - windowMs, parts };
}

/** Time in executors by step kind, as `step.finished` tells it. */
function stepTimes(events: readonly ReleaseEvent[], plan: Plan): Map<string, number> {
  const kinds = new Map(plan.steps.map((step) => [step.id, step.kind]));
  const times = new Map<string, number>();
  for (const { type, data } of events) {
    if (type !== 'step.finished') continue;
    const kind = kinds.get(data.step) ?? 'unknown';
    times.set(kind, (times.get(kind) ?? 0) + Date.parse(data.finishedAt) - Date.parse(data.startedAt));
  }
  return times;
}

/** From the first look's intent to the last look's outcome, with the waits in between. */
function observed(events: readonly ReleaseEvent[], plan: Plan): number {
  const observe = plan.steps.find((step) => step.kind === 'observe')?.id;
  const from = events.find((event) => event.type === 'step.intended' && event.data.step === observe);
  const to = events.findLast((event) => event.type === 'step.finished' && event.data.step === observe);
  return (to?.time ?? 0) - (from?.time ?? 0);
}

function overview(timings: ReadonlyMap<string, readonly Timing[]>): BenchResult {
  const rows = [...timings].map(([subject, all]): BenchRow => {
    const overheads = all.map(({ overhead }) => overhead);
    return {
      subject,
      figures: {
        whole: median(all.map(({ whole }) => whole)),
        'service start': median(all.map(({ readiness }) => readiness)),
        ...spread(overheads, 'overhead'),
      },
    };
  });
  const missed = rows.filter(({ figures }) => (figures['overhead'] ?? 0) > TARGET_MS).map(({ subject }) => subject);
  return {
    name: 'release',
    unit: 'ms',
    rows,
    notes: [
      `${ROUNDS} releases each after a first one; overhead = whole - service start - window asked for; whole = start of the CLI to its exit, pack sealed`,
      `target: at most ${TARGET_MS} ms of overhead: ${missed.length === 0 ? 'met' : `MISSED (${missed.join('; ')})`}`,
    ],
  };
}

function breakdown(timings: ReadonlyMap<string, readonly Timing[]>): BenchResult {
  const parts = [...new Set([...timings.values()].flatMap((all) => all.flatMap((one) => Object.keys(one.parts))))];
  const rows = parts.map((subject): BenchRow => {
    const figures = [...timings].map(
      ([name, all]) => [name, all.some((one) => subject in one.parts) ? median(all.map((one) => one.parts[subject] ?? 0)) : null] as const,
    );
    return { subject, figures: Object.fromEntries(figures) };
  });
  return {
    name: 'release: where the overhead goes',
    unit: 'ms, medians',
    rows,
    notes: ['medians of parts need not add up to the median of the whole'],
  };
}
