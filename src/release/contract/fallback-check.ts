import { parseSelector, riseOf, sumInExposition, type Selector } from '../../analysis/index.ts';
import { judgeFallback, readFallback, type FallbackCounter } from '../../database/index.ts';
import { formatDuration, messageOf, resolveTemplate, toIso, type Check, type Instant } from '../../kernel/index.ts';
import type { InstanceState } from '../../targets/index.ts';
import type { Looking } from './gate.ts';

type Answer = Omit<Check, 'name'>;

const WITHIN_MS = 10_000;
const FELL = {
  fix: 'Find the rows that are not in the new shape (slipway db mismatch), and ask again when the window has passed.',
} as const;

/** What was counted while an old version ran says nothing of what came after it. */
export function windowBegan({ freeSince, now }: Pick<Looking, 'freeSince' | 'now'>): boolean {
  return freeSince !== null && freeSince <= now;
}

/** Has any read fallen back to the old shape while the window lasted? */
export async function checkFallback(looking: Looking, name: string, counter: FallbackCounter): Promise<Answer> {
  if (counter.kind === 'sql') {
    const { watched, now } = await readFallback(looking.access, { name, query: counter.query, remember: windowBegan(looking) });
    return judgeFallback(watched, { now, windowMs: looking.windowMs });
  }
  const selector = parseSelector(counter.counter);
  if (selector === null) throw new Error(`The counter ${counter.counter} was not checked when it was read`);
  return counter.kind === 'prometheus' ? askPrometheus(looking, counter, selector) : askInstances(looking, selector);
}

async function askPrometheus(
  { deps, request, windowMs }: Looking,
  { url, token, counter }: Extract<FallbackCounter, { kind: 'prometheus' }>,
  selector: Selector,
): Promise<Answer> {
  const environment = await deps.environmentFor(request.workspace, request.definition.envFile);
  const place = {
    url: resolveTemplate(url, environment).value,
    token: token === null ? null : resolveTemplate(token, environment).value,
    timeoutMs: WITHIN_MS,
  };
  const rise = await riseOf(place, selector, windowMs, request.signal ?? AbortSignal.timeout(WITHIN_MS));
  if ('problem' in rise)
    return {
      verdict: 'unknown',
      reason: `Prometheus does not tell: ${rise.problem}`,
      fix: 'Let it scrape the counter from before the window begins; the service must show it at zero, too.',
    };
  // `increase` reckons with what lies between two scrapes, so it answers fractions.
  if (rise.value > 0)
    return {
      verdict: 'fail',
      reason: `about ${Math.ceil(rise.value)} reads fell back in the last ${formatDuration(windowMs)} (${counter})`,
      ...FELL,
    };
  return { verdict: 'pass', reason: `no read fell back in the last ${formatDuration(windowMs)} (${counter})` };
}

interface Shown {
  readonly name: string;
  readonly since: Instant;
  /** Null: it shows no such counter, or did not answer. */
  readonly value: number | null;
}

/** What instances have counted is gone with them: only of those that run since before the window all is known. */
async function askInstances({ deps, request, now, windowMs }: Looking, selector: Selector): Promise<Answer> {
  const { service, environment } = request.definition;
  const groups = await deps.target.list(service, environment);
  const asked = groups.flatMap(({ instances, spec }) =>
    instances.map((instance) => showOf(instance, `${spec.version} ${instance.process}-${instance.index}`, selector)),
  );
  const shown = await Promise.all(asked);
  const told = shown.filter(({ value }) => value !== null);
  const fell = told.filter(({ value }) => (value ?? 0) > 0);
  if (fell.length > 0)
    return { verdict: 'fail', reason: `reads fell back: ${fell.map(({ name, value }) => `${value ?? 0} in ${name}`).join(', ')}`, ...FELL };
  if (told.length === 0 || told.length < shown.length)
    return {
      verdict: 'unknown',
      reason: `${shown.length - told.length} of ${shown.length} instances show no ${selector.name}`,
      fix: 'Count with the service kit (service.fallback), or show the counter at zero under /metrics; workers without a port need Prometheus or a table.',
    };
  const since = Math.max(...told.map((one) => one.since));
  if (since > now - windowMs)
    return {
      verdict: 'unknown',
      reason: `no read fell back since ${toIso(since)}, when the youngest instance was started; what counted before it is gone`,
      fix: `Ask again after ${toIso(since + windowMs)}, or count where it outlasts an instance: a table, or Prometheus.`,
    };
  return { verdict: 'pass', reason: `no read fell back in ${told.length} instances since ${toIso(since)}` };
}

async function showOf({ port, since }: InstanceState, name: string, selector: Selector): Promise<Shown> {
  // It may fall back as well as any other.
  if (port === null) return { name, since, value: null };
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
      signal: AbortSignal.timeout(WITHIN_MS),
      headers: { connection: 'close' },
    });
    return { name, since, value: answer.ok ? sumInExposition(await answer.text(), selector) : null };
  } catch (error) {
    return { name: `${name} (${messageOf(error)})`, since, value: null };
  }
}
