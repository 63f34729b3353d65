import { joinVerdicts, type Check, type Instant, type JsonObject } from '../../kernel/index.ts';
import { difference, quantile, type RouteStats } from '../../traffic/index.ts';
import type { GroupState } from '../../targets/index.ts';
import { judgeWindow, type Observed, type StopConditions } from '../core/observe.ts';
import type { ReleaseEvent } from '../core/events.ts';
import type { StepContext, StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { howItEnded, nameOf, printedBy } from './group.ts';
import { as, object, text } from './input.ts';
import { definitionOf, groupBases, smokeGroup } from './smoke.ts';

/**
 * One look at the new version under real traffic. The first look is the baseline; later ones judge everything since
 * then, together with a synthetic read. The state machine repeats the step until the window is over.
 */
export function observeStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, events } = context;
    const group = await deps.target.inspect(text(step.input, 'group'));
    if (group === null) return { verdict: 'fail', reason: `${text(step.input, 'group')} is not running any more` };
    const now = await lookAt(deps, step.input['route'] === null ? null : text(step.input, 'route'), group);
    const before = factsOf(events, step.id);
    const baseline = before.baseline ?? now;
    const at = context.effects.clock.now();
    const notReady = notReadySince(group, before.notReady ?? {}, at);
    const restarted = group.instances.filter(({ restarts }) => restarts > 0);
    const seen: Observed = {
      restarted: restarted.map((one) => `${nameOf(one)}: ${howItEnded(one)}`),
      traffic: trafficOf(now.stats, baseline.stats, text(step.input, 'version'), group.spec.id),
      restarts: Math.max(0, now.restarts - baseline.restarts),
      notReady: Object.entries(notReady).map(([name, since]) => ({ name, forMs: at - since })),
    };
    const judged = judgeWindow(seen, as<StopConditions>(object(step.input, 'stop')));
    // What users met is answer enough, and they still meet it.
    const checks = judged.some((check) => check.verdict === 'fail') ? judged : [...judged, await synthetic(deps, context, group)];
    const verdict = joinVerdicts(checks.map((check) => check.verdict));
    const printed = verdict === 'fail' ? await printedByWorst(deps, context, group) : {};
    return {
      verdict,
      reason: reasonOf(seen, checks),
      checks,
      retry: verdict === 'unknown',
      facts: { ...printed, baseline: as<JsonObject>((seen.traffic === null ? now : baseline) as never), notReady },
    };
  };
}

function reasonOf({ traffic, restarts }: Observed, checks: readonly Check[]): string {
  const bad = checks.filter((check) => check.verdict !== 'pass');
  if (bad.length > 0) return bad.map((check) => `${check.name}: ${check.reason}`).join('; ');
  return `${traffic?.requests ?? 0} requests so far, ${traffic?.errors ?? 0} errors, ${restarts} restarts`;
}

/** What the instance printed that was restarted most. */
async function printedByWorst({ target }: StepDeps, { note }: StepContext, { spec, instances }: GroupState): Promise<JsonObject> {
  const [worst] = instances.toSorted((a, b) => b.restarts - a.restarts);
  return worst === undefined || worst.restarts === 0 ? {} : printedBy(target, spec.id, worst, note);
}

interface Look {
  /** Null for a service without a route. */
  readonly stats: RouteStats | null;
  readonly restarts: number;
}

async function lookAt(deps: StepDeps, route: string | null, group: GroupState): Promise<Look> {
  return { stats: route === null ? null : await deps.router.stats(route), restarts: restartsOf(group) };
}

function restartsOf(group: GroupState): number {
  return group.instances.reduce((sum, instance) => sum + instance.restarts, 0);
}

/** What earlier looks of this window left in the ledger; null or absent before the first. */
interface Facts {
  /** The look that others are compared with. */
  readonly baseline?: Look;
  /** When each instance that was not ready was first seen so. */
  readonly notReady?: NotReady;
}

type NotReady = Readonly<Record<string, Instant>>;

/** From the ledger, so a look taken before a crash still counts after it. Counters that were reset (the agent started again) begin a new baseline. */
function factsOf(events: readonly ReleaseEvent[], step: string): Facts {
  const last = events.findLast((event) => event.type === 'step.finished' && event.data.step === step);
  return last?.type === 'step.finished' ? as<Facts>(last.data.facts) : {};
}

function notReadySince({ instances }: GroupState, before: NotReady, now: Instant): NotReady {
  const away = instances.filter((one) => one.phase !== 'ready').map((one) => `${one.process}#${one.index}`);
  return Object.fromEntries(away.map((name) => [name, before[name] ?? now]));
}

function trafficOf(now: RouteStats | null, baseline: RouteStats | null, version: string, group: string): Observed['traffic'] {
  if (now === null && baseline === null) return { requests: 0, errors: 0, p99LowMs: null, unrouted: 0 };
  if (now === null || baseline === null) return null;
  const since = difference(now, baseline);
  if (since === null) return null;
  const mine = since.versions.find((one) => one.version === version && one.group === group);
  if (mine === undefined) return { requests: 0, errors: 0, p99LowMs: null, unrouted: since.unrouted };
  return {
    requests: mine.requests,
    errors: mine.errors,
    p99LowMs: quantile(mine.latency, 0.99)?.lowMs ?? null,
    unrouted: since.unrouted,
  };
}

/** A read as a user would do it, so that a window without traffic still checks something. */
async function synthetic(deps: StepDeps, context: StepContext, group: GroupState): Promise<Check> {
  const version = group.spec.version;
  const definition = definitionOf(context, version);
  const { listen, smoke } = definition;
  const bases =
    listen === null ? groupBases(group, definition) : [`http://${listen.host === '0.0.0.0' ? '127.0.0.1' : listen.host}:${listen.port}`];
  const reads = { ...smoke, write: [], noWrites: 'a window only reads' };
  const outcome = await smokeGroup(deps, context, { smoke: reads, bases, definition, version, group });
  return { name: 'synthetic read', verdict: outcome.verdict, reason: outcome.reason };
}
