import { joinVerdicts, type Check, type Instant, type JsonObject } from '../../kernel/index.ts';
import { difference, quantile, type RouteStats } from '../../traffic/index.ts';
import type { GroupState } from '../../targets/index.ts';
import { isTooFew, judgeWindow, remarksOn, type Observed, type StopConditions } from '../core/observe.ts';
import type { EventData, ReleaseEvent } from '../core/events.ts';
import type { Step } from '../core/plan.ts';
import type { StepContext, StepExecutor } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { howItEnded, nameOf, printedBy } from './group.ts';
import { as, object, text } from './input.ts';
import { definitionOf, groupBases, routeBase, smokeGroup, throughRouter } from './smoke.ts';

/** A router that is started again this often in one window does not stay up, and counting anew would not end. */
const MOST_AWAY = 5;

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
    const at = context.effects.clock.now();
    const before = factsOf(events, step.id);
    const { baseline, traffic, away } = compare(now, before, { version: text(step.input, 'version'), group: group.spec.id, at });
    const notReady = notReadySince(group, before.notReady ?? {}, at);
    const seen: Observed = {
      restarted: restartedSince(group, baseline.by ?? {}),
      traffic,
      restarts: Math.max(0, now.restarts - baseline.restarts),
      notReady: Object.entries(notReady).map(([name, since]) => ({ name, forMs: at - since })),
      away,
    };
    const judged = judgeWindow(seen, as<StopConditions>(object(step.input, 'stop')));
    // What users met is answer enough, and they still meet it.
    const checks = judged.some((check) => check.verdict === 'fail') ? judged : [...judged, await synthetic(deps, context, group)];
    const verdict = joinVerdicts(checks.map((check) => check.verdict));
    const printed = verdict === 'fail' ? await printedByWorst(deps, context, group) : {};
    const facts = {
      baseline,
      notReady,
      away,
      seen: now.stats?.at ?? at,
      unsettled: mustGoOn(step, before, seen),
      tooFew: isTooFew(seen, checks),
      remarks: remarksOn(seen),
    };
    return {
      verdict,
      reason: reasonOf(seen, checks),
      checks,
      retry: verdict === 'unknown' && away.length <= MOST_AWAY,
      facts: { ...printed, ...as<JsonObject>(facts as never) },
    };
  };
}

/** May the window not end with this look? However long the first one takes, it has nothing to compare with. */
function mustGoOn({ repeat }: Step, before: Facts, { notReady }: Observed): boolean {
  return notReady.length > 0 || (before.baseline === undefined && (repeat?.forMs ?? 0) > 0);
}

interface Compared {
  /** What later looks are compared with. */
  readonly baseline: Look;
  readonly traffic: Observed['traffic'];
  readonly away: readonly Away[];
}

/**
 * What the router counted since the window began. Counters that began again say that the router (which is in the agent) was started
 * again. Then nobody counted what users met meanwhile, so this window proves nothing: the look is unknown, and the window is counted
 * anew from the next one, so that whoever reads PASS may rely on a whole window. Going back instead would punish a good version for
 * its machine, and would need the same agent. That it happened stays in the release's remarks.
 */
function compare(now: Look, before: Facts, one: { readonly version: string; readonly group: string; readonly at: Instant }): Compared {
  const start = before.baseline ?? now;
  const traffic = trafficOf(now.stats, start.stats, one.version, one.group);
  const away = before.away ?? [];
  if (traffic !== null) return { baseline: start, traffic, away };
  const began = { ...start, stats: now.stats };
  const gap = { from: before.seen ?? start.stats?.at ?? one.at, to: now.stats?.since ?? one.at };
  // The look before saw nothing either: the window begins with this one.
  const fresh = before.broken ? trafficOf(now.stats, now.stats, one.version, one.group) : null;
  return { baseline: began, traffic: fresh, away: [...away, gap] };
}

function reasonOf(seen: Observed, checks: readonly Check[]): string {
  const { traffic, restarts, restarted = [], notReady } = seen;
  const bad = checks.filter((check) => check.verdict !== 'pass');
  if (bad.length > 0) return bad.map((check) => `${check.name}: ${check.reason}`).join('; ');
  const who = restarted.map(({ name, how }) => `${name}: ${how}`).join(', ');
  const told = `${traffic?.requests ?? 0} requests so far, ${traffic?.errors ?? 0} errors, ${restarts} restarts${who === '' ? '' : ` (${who})`}`;
  return notReady.length === 0
    ? told
    : `${told}; the window does not end before ${notReady.map(({ name }) => name).join(', ')} ${notReady.length === 1 ? 'is' : 'are'} ready again`;
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
  /** Restarts of each instance; absent in looks of older builds. */
  readonly by?: Readonly<Record<string, number>>;
}

async function lookAt(deps: StepDeps, route: string | null, group: GroupState): Promise<Look> {
  const restarts = group.instances.reduce((sum, instance) => sum + instance.restarts, 0);
  const by = Object.fromEntries(group.instances.map((one) => [nameOf(one), one.restarts]));
  return { stats: route === null ? null : await deps.router.stats(route), restarts, by };
}

function restartedSince({ instances }: GroupState, before: Readonly<Record<string, number>>): NonNullable<Observed['restarted']> {
  return instances
    .map((one) => ({ name: nameOf(one), times: one.restarts - (before[nameOf(one)] ?? 0), how: howItEnded(one) }))
    .filter(({ times }) => times > 0);
}

/** What earlier looks of this window left in the ledger; null or absent before the first. */
interface Facts {
  /** The look that others are compared with. */
  readonly baseline?: Look;
  /** When each instance that was not ready was first seen so. */
  readonly notReady?: NotReady;
  readonly away?: readonly Away[];
  /** When the router was last seen. */
  readonly seen?: Instant;
  /** The look before this one saw nothing it could judge. */
  readonly broken: boolean;
}

type NotReady = Readonly<Record<string, Instant>>;
type Away = NonNullable<Observed['away']>[number];

/** From the ledger, so a look taken before a crash still counts after it. A look that was refused (no agent) left no facts: those before it hold. */
function factsOf(events: readonly ReleaseEvent[], step: string): Facts {
  const looks = events.flatMap((event) => (event.type === 'step.finished' && event.data.step === step ? [event.data] : []));
  const told = looks.findLast(({ facts }) => facts['baseline'] !== undefined);
  return { ...(told === undefined ? {} : as<Omit<Facts, 'broken'>>(told.facts)), broken: isBlind(looks.at(-1)) };
}

function isBlind(look: EventData['step.finished'] | undefined): boolean {
  return look?.verdict === 'unknown' && look.facts['tooFew'] !== true;
}

function notReadySince({ instances }: GroupState, before: NotReady, now: Instant): NotReady {
  const away = instances.filter((one) => one.phase !== 'ready').map(nameOf);
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
  const reads = { ...smoke, write: [], noWrites: 'a window only reads' };
  const ask = (bases: readonly string[]) => smokeGroup(deps, context, { smoke: reads, bases, definition, version, group });
  const { route, shared } = context.step.input;
  // Through the users' address another version may answer.
  const outcome =
    listen === null || typeof route !== 'string' || shared === true
      ? await ask(groupBases(group, definition))
      : await throughRouter(deps, route, () => ask([routeBase(listen)]));
  return { name: 'synthetic read', verdict: outcome.verdict, reason: outcome.reason };
}
