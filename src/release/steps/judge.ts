import { addTick, atCheckpoint, factsAt, judgementOf, longestTickMs, type Judge, type Judgement, type Tick } from '../../analysis/index.ts';
import { joinVerdicts, type Duration, type Instant, type JsonObject } from '../../kernel/index.ts';
import { difference, quantile, type RouteStats } from '../../traffic/index.ts';
import {
  closesTick,
  factsOf,
  foldAll,
  latencyEdge,
  pairsOf,
  ROUTER_SILENT,
  sayNoEdge,
  sayUnjudged,
  scatterBefore,
  startFold,
  type CanaryInput,
  type Fold,
  type InstancesSeen,
  type LookRecord,
  type Unjudged,
} from '../core/canary.ts';
import { recordOf } from '../core/canary-record.ts';
import { shiftRemarks } from '../core/remarks.ts';
import {
  guardChecks,
  NO_SOURCES,
  sayWhySilent,
  sourcesAtCheckpoint,
  takeAnswers,
  type Answer,
  type SourceMemory,
} from '../core/canary-sources.ts';
import type { ReleaseEvent } from '../core/events.ts';
import { standingOfAll } from '../core/set.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import { instanceChecks, type InstanceMemory } from './canary-instances.ts';
import { statesOf } from './companions.ts';
import { openPolls, type SourcePolls } from './canary-sources.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';

/** A look is recorded when it ends; a checkpoint that has lasted long is recorded less often. */
const SHORTEST_LOOK_MS: Duration = 2_000;
const LONGEST_LOOK_MS: Duration = 60_000;
const LOOK_PART = 0.05;

/** What goes from one look to the next, through the ledger. */
interface Memory {
  /** Counters at the end of the last tick; null when they were not to be had. */
  readonly base: RouteStats | null;
  readonly edgeMs: number | null;
  readonly instances: InstanceMemory;
  /** Absent in looks of older builds. */
  readonly sources?: SourceMemory;
  /** Restarts of the canary's instances at the last tick, where the judge wants to know; null before the first. */
  readonly restarts?: number | null;
}

/** One look while it lasts. */
interface Look extends Memory {
  readonly judge: Judge;
  readonly record: LookRecord;
  readonly unjudged: Unjudged;
}

const ALL_JUDGED: Unjudged = { requests: 0, everyMs: 0 };

/**
 * One look at a canary on one checkpoint: reads the counters of both versions again and again, and ends at once when the judge says
 * `fail`, else after a while. What it read is recorded; the next look, maybe of another worker, goes on from there. The state machine
 * repeats it until the checkpoint's time is over and the judge says `pass`.
 */
export function judgeStep(deps: StepDeps): StepExecutor {
  const foldOf = rememberFold();
  return async (context) => {
    const input = as<CanaryInput>(context.step.input);
    const polls = await openPolls(deps, context, input);
    try {
      return await lookAt(deps, polls, { context, input, begun: await beginLook(deps, foldOf, { context, input }) });
    } finally {
      polls.stop();
    }
  };
}

interface Beginning {
  readonly context: StepContext;
  readonly input: CanaryInput;
  readonly begun: Look;
}

async function lookAt(deps: StepDeps, polls: SourcePolls, { context, input, begun }: Beginning): Promise<StepOutcome> {
  const { effects, signal, asked, step, events } = context;
  const { clock } = effects;
  const from = clock.monotonic();
  const startedAt = begunAt(events, step.id, clock.now());
  const forMs = step.repeat?.forMs ?? 0;
  const lengthMs = lengthOf(clock.now() - startedAt, forMs);
  let seenAt = from;
  let look = begun;
  for (;;) {
    const isOver = clock.monotonic() - from >= lengthMs;
    // The router decides how soon a bad canary is noticed, so nobody else is waited for.
    if (!isOver) look = askSources(look, polls, clock.now());
    const stats = await countersOf(deps, input);
    const {
      checks: instances,
      memory,
      seen,
    } = await instanceChecks(deps, {
      input,
      memory: look.instances,
      elapsedMs: clock.monotonic() - seenAt,
    });
    seenAt = clock.monotonic();
    look = { ...advance(look, stats, { at: clock.now(), input, seen, startedAt, forMs }), instances: memory };
    look = hear(look, polls.heard(), { at: clock.now(), input });
    const sources = look.sources ?? NO_SOURCES;
    const checks = [...instances, ...guardChecks(input, sources), ...(isOver ? await companionChecks(deps, input) : [])];
    const judgement = sayWhySilent(sayUnjudged(sayNoEdge(judgementOf(look.judge), look.edgeMs), look.unjudged), input, sources);
    const failed = judgement.verdict === 'fail' || checks.some(({ verdict }) => verdict === 'fail');
    if (failed || asked.aborted || (isOver && !polls.busy())) return outcomeOf(look, judgement, checks, input);
    signal.throwIfAborted();
    await clock.sleep(input.everyMs, AbortSignal.any([signal, asked]));
  }
}

/** What was proven good here must be so for the services that are released together with it. */
async function companionChecks(deps: StepDeps, { companions = [] }: CanaryInput): Promise<NonNullable<StepOutcome['checks']>> {
  if (companions.length === 0) return [];
  return [{ name: 'companions', ...standingOfAll(companions, await statesOf(deps, companions)) }];
}

function askSources(look: Look, polls: SourcePolls, now: Instant): Look {
  return { ...look, sources: polls.ask(look.sources ?? NO_SOURCES, now) };
}

/** What the declared sources said since the last reading. */
function hear(look: Look, answers: readonly Answer[], { at, input }: { readonly at: Instant; readonly input: CanaryInput }): Look {
  if (answers.length === 0) return look;
  const { memory, news } = takeAnswers(input, look.sources ?? NO_SOURCES, { answers, at });
  const heard = { ...look, sources: memory };
  return Object.keys(news).length === 0 ? heard : withTick(heard, at, news);
}

/** A look does not outlast the checkpoint's time, which would make that longer than was asked for. */
function lengthOf(sinceBegun: Duration, forMs: Duration): Duration {
  const usual = Math.min(LONGEST_LOOK_MS, Math.max(SHORTEST_LOOK_MS, LOOK_PART * sinceBegun));
  return sinceBegun < forMs ? Math.min(usual, forMs - sinceBegun) : usual;
}

function begunAt(events: readonly ReleaseEvent[], step: string, now: Instant): Instant {
  return events.find((event) => event.type === 'step.intended' && event.data.step === step)?.time ?? now;
}

async function beginLook(
  deps: StepDeps,
  foldOf: ReturnType<typeof rememberFold>,
  { context: { plan, events, step, effects }, input }: { readonly context: StepContext; readonly input: CanaryInput },
): Promise<Look> {
  const earlier = looksIn(events);
  const last = earlier.at(-1);
  const startedAt = effects.clock.now();
  const { judge } = foldOf(
    plan.release,
    earlier.map(({ record }) => record),
    input,
  );
  if (last?.record.step === step.id)
    return { ...last.memory, judge, unjudged: ALL_JUDGED, record: { ...last.record, startedAt, ticks: [] } };
  const { route, stable } = input;
  const history = route === null ? null : await deps.router.history(route, stable.group).catch(() => null);
  const scatter = scatterBefore(history, input);
  return {
    judge: atCheckpoint(judge, startedAt, scatter),
    // Counts from before a change of weight belong to neither checkpoint.
    base: await countersOf(deps, input),
    edgeMs: last?.memory.edgeMs ?? null,
    instances: {},
    sources: sourcesAtCheckpoint(last?.memory.sources ?? NO_SOURCES),
    record: { step: step.id, startedAt, scatter, ticks: [] },
    unjudged: ALL_JUDGED,
  };
}

/** A ledger only grows, so what was folded of it for the look before need not be folded again. */
function rememberFold(): (release: string, looks: readonly LookRecord[], input: CanaryInput) => Fold {
  let known: { readonly release: string; readonly looks: number; readonly fold: Fold } | null = null;
  return (release, looks, input) => {
    const before = known?.release === release && known.looks <= looks.length ? known : { looks: 0, fold: startFold(input) };
    const fold = foldAll(before.fold, looks.slice(before.looks));
    known = { release, looks: looks.length, fold };
    return fold;
  };
}

/** The counters of the two versions, without what the judge has no use for; null when the router does not answer. */
async function countersOf({ router }: StepDeps, { route, canary, stable }: CanaryInput): Promise<RouteStats | null> {
  if (route === null) return null;
  const stats = await router.stats(route).catch(() => null);
  if (stats === null) return null;
  const both = stats.versions.filter(({ version, group }) =>
    [canary, stable].some((one) => one.version === version && one.group === group),
  );
  return { ...stats, versions: both.map(({ recent: _recent, ...counts }) => counts) };
}

/** What earlier looks left, oldest first. */
function looksIn(events: readonly ReleaseEvent[]): readonly { readonly record: LookRecord; readonly memory: Memory }[] {
  return events.flatMap((event) => {
    if (event.type !== 'step.finished' || event.data.facts['look'] === undefined) return [];
    const { look, memory } = event.data.facts;
    return [{ record: as<LookRecord>(look), memory: as<Memory>(memory) }];
  });
}

interface Reading {
  readonly at: Instant;
  readonly input: CanaryInput;
  readonly seen: InstancesSeen | null;
  /** When the checkpoint began, and how long it lasts at least. */
  readonly startedAt: Instant;
  readonly forMs: Duration;
}

/** One reading taken in: with the readings since the last tick it may make a tick. */
function advance(look: Look, stats: RouteStats | null, { at, input, seen, startedAt, forMs }: Reading): Look {
  // Nobody counts what no router sends.
  if (input.route === null) return look;
  if (stats === null) return { ...withTick(look, at, ROUTER_SILENT), base: null, unjudged: ALL_JUDGED };
  if (look.base === null) return { ...look, base: stats };
  const change = difference(stats, look.base);
  // The counters began anew: what was counted in between is lost.
  if (change === null) return { ...withTick(look, at, ROUTER_SILENT), base: stats, unjudged: ALL_JUDGED };
  const edgeMs = look.edgeMs ?? edgeOf(stats, input);
  const metrics = pairsOf(change, input, look.edgeMs);
  const restartsBefore = look.restarts ?? null;
  const facts = factsOf(change, input, { seen, restartsBefore, told: toldBySources(look, input, at) });
  const longestMs = longestTickMs(input.policy, { everyMs: input.everyMs, forMs, ageMs: at - startedAt });
  return closesTick(metrics, look.judge, { sinceMs: stats.at - look.base.at, longestMs })
    ? { ...withTick(look, at, metrics, facts), base: stats, edgeMs, restarts: seen?.restarts ?? restartsBefore, unjudged: ALL_JUDGED }
    : { ...look, edgeMs, unjudged: { requests: metrics['errors']?.canary.requests ?? 0, everyMs: longestMs } };
}

function toldBySources({ sources }: Look, { facts = [] }: CanaryInput, at: Instant): Partial<NonNullable<Tick['facts']>> {
  return factsAt(facts, sources?.facts ?? {}, at);
}

function edgeOf({ versions }: RouteStats, { stable }: CanaryInput): number | null {
  const counts = versions.find(({ version, group }) => version === stable.version && group === stable.group);
  return counts === undefined ? null : latencyEdge({ requests: counts.requests, p99: quantile(counts.latency, 0.99) });
}

function withTick(look: Look, at: Instant, metrics: Tick['metrics'], facts?: Tick['facts']): Look {
  const tick = facts === undefined ? { at, metrics } : { at, metrics, facts };
  return { ...look, judge: addTick(look.judge, tick), record: { ...look.record, ticks: [...look.record.ticks, tick] } };
}

function outcomeOf(look: Look, judgement: Judgement, checks: NonNullable<StepOutcome['checks']>, input: CanaryInput): StepOutcome {
  const failed = checks.find(({ verdict }) => verdict === 'fail');
  const verdict = joinVerdicts([judgement.verdict, ...checks.map((check) => check.verdict)]);
  const bad = failed ?? (judgement.verdict === 'pass' ? checks.find((check) => check.verdict === 'unknown') : undefined);
  const reason = bad === undefined ? judgement.because : `${bad.name}: ${bad.reason}`;
  return {
    verdict,
    reason: `${input.canary.version} at ${input.weight} %: ${reason}`,
    retry: verdict === 'unknown',
    checks: [...judgement.metrics.map(({ name, verdict, because }) => ({ name, verdict, reason: because })), ...checks],
    facts: as<JsonObject>({
      weight: input.weight,
      judgement: recordOf(judgement),
      remarks: judgement.verdict === 'fail' ? [] : shiftRemarks(judgement, input),
      look: look.record,
      memory: {
        base: look.base,
        edgeMs: look.edgeMs,
        instances: look.instances,
        restarts: look.restarts ?? null,
        sources: look.sources ?? NO_SOURCES,
      },
    } as never),
  };
}
