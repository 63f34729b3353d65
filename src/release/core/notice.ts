import { formatDuration, toIso, type Instant } from '../../kernel/pure.ts';
import type { FailureClass } from './definition.ts';
import type { EventData, ReleaseEvent, RollbackTime } from './events.ts';
import type { ReleaseState } from './state.ts';
import { usersMet, type UsersMet } from './users-met.ts';

/** A failure handed to the people who own its class, with the evidence beside it (R-PIPE 8). */
export interface FailureRequest {
  readonly schema: 'slipway.failure-request/1';
  readonly release: string;
  readonly class: FailureClass;
  /** From `owners` in slipway.yaml; null when nobody is named. */
  readonly owner: string | null;
  readonly step: string | null;
  readonly reason: string;
  readonly log: string | null;
}

/** The request record of a release that failed; null for one that did not. */
export function failureRequest(state: ReleaseState, events: readonly ReleaseEvent[]): FailureRequest | null {
  if (state.outcome === 'released' || state.outcome === null) return null;
  const failed = firstFailure(events);
  const failureClass = classOf(failed);
  const finished = events.find((event) => event.type === 'release.finished');
  const reason = failed?.reason ?? (finished?.type === 'release.finished' ? finished.data.reason : '');
  return {
    schema: 'slipway.failure-request/1',
    release: state.plan.release,
    class: failureClass,
    owner: state.plan.definition.owners[failureClass],
    step: failed?.step ?? null,
    reason,
    log: failed?.log?.name ?? null,
  };
}

/** The rollback notice (R-RB 4) in Markdown; null for a release that went nowhere back. */
export function rollbackNotice(state: ReleaseState, events: readonly ReleaseEvent[]): string | null {
  const finished = events.find((event) => event.type === 'release.finished');
  if (finished?.type !== 'release.finished') return null;
  const started = events.find((event) => event.type === 'rollback.started');
  const flags = flagsText(events);
  if (started?.type === 'rollback.started') return noticeOf(undone(state, events, { started, finished }), flags);
  return state.plan.kind === 'rollback' && state.outcome === 'released' ? noticeOf(putBack(state, finished), flags) : null;
}

/** What became of the flags that the version carried, as the step said last that turned them off; null where it carried none. */
function flagsText(events: readonly ReleaseEvent[]): string | null {
  const told = events.flatMap((event) =>
    event.type === 'step.finished' && event.data.step.endsWith('.flags-off') ? [event.data.reason] : [],
  );
  return told.at(-1) ?? null;
}

type Event<T extends ReleaseEvent['type']> = ReleaseEvent & { readonly type: T };

interface Notice extends Readonly<Record<'title' | 'to' | 'degraded' | 'reason' | 'impact' | 'next' | 'contact', string>> {
  readonly from: string;
  readonly time: readonly [Instant, Instant];
  readonly took: RollbackTime | undefined;
}

function noticeOf({ title, from, to, time, took, degraded, reason, impact, next, contact }: Notice, flags: string | null): string {
  const target =
    took === undefined ? 'not measured' : `${formatDuration(took.tookMs)}, target ${formatDuration(took.targetMs)}: ${took.verdict}`;
  return [
    `# Rollback of ${title}`,
    '',
    `- From: ${from}`,
    `- To: ${to}`,
    `- Time: ${time.map(toIso).join(' to ')}`,
    `- Took: ${target}`,
    `- Degraded for: ${degraded}`,
    `- Reason: ${reason}`,
    `- Customer impact: ${impact}`,
    ...(flags === null ? [] : [`- Flags: ${flags}`]),
    `- Next steps: ${next}`,
    `- Contact: ${contact}`,
    '',
  ].join('\n');
}

/** Of a release that went back. */
function undone(
  state: ReleaseState,
  events: readonly ReleaseEvent[],
  { started, finished }: { readonly started: Event<'rollback.started'>; readonly finished: Event<'release.finished'> },
): Notice {
  const { plan } = state;
  const request = failureRequest(state, events);
  const met = usersMet(state, events);
  return {
    title: `${plan.service} in ${plan.environment}`,
    from: plan.version,
    to: plan.previous?.version ?? 'nothing (there was no earlier version)',
    time: [Math.min(state.orderedBackAt ?? started.time, started.time), finished.time],
    took: finished.data.rollback,
    degraded: met.degradedMs === null ? 'not at all: users stayed on the old version' : formatDuration(met.degradedMs),
    reason: started.data.cause,
    impact: impactOf(plan.version, met),
    next: `read ${request?.log ?? 'the report'}, repair ${plan.version}, release it under a new version`,
    contact: request?.owner ?? plan.requestedBy,
  };
}

/** Of a rollback that is a release of its own: for how long the version it replaces was bad is not in this ledger. */
function putBack({ plan, begunAt }: ReleaseState, { time, data: { rollback } }: Event<'release.finished'>): Notice {
  const from = plan.previous?.version ?? 'nothing';
  const until = toIso(begunAt + (rollback?.tookMs ?? 0));
  return {
    title: `${plan.service} in ${plan.environment}`,
    from,
    to: plan.version,
    time: [begunAt, time],
    took: rollback,
    degraded: `at least ${rollback === undefined ? 'until then' : formatDuration(rollback.tookMs)}: from the order until users left ${from} at ${until}; the time before it is not known here`,
    reason: plan.reason ?? 'none was given',
    impact: `users were on ${from} until ${until}; what they met of it is in the evidence of ${plan.previous === null ? 'its release' : `release ${plan.previous.release}`} and in \`slipway status\` of that time`,
    next: `repair ${from}, release it under a new version`,
    contact: plan.definition.owners.application ?? plan.requestedBy,
  };
}

function firstFailure(events: readonly ReleaseEvent[]): EventData['step.finished'] | null {
  const found = events.find((event) => event.type === 'step.finished' && event.data.verdict !== 'pass' && !event.data.retry);
  return found?.type === 'step.finished' ? found.data : null;
}

function classOf(failed: EventData['step.finished'] | null): FailureClass {
  if (failed === null) return 'application';
  const text = `${failed.reason} ${failed.checks
    .filter((check) => check.verdict !== 'pass')
    .map((check) => check.name)
    .join(' ')}`;
  if (/secret_missing|not set where the worker runs|signing keys/.test(text)) return 'secrets';
  if (failed.stage === 'migrate' || failed.stage === 'backup' || /\b(database|migrations|backup)\b/.test(text)) return 'database';
  return 'application';
}

function impactOf(version: string, { degradedMs, heldMs, mostPercent, judged }: UsersMet): string {
  if (degradedMs === null) return 'none seen by the router';
  const failed = judged === null ? '' : ` (of ${judged.requests} requests counted there ${judged.bad} failed)`;
  const served =
    mostPercent === 0 ? [] : [`up to ${mostPercent} % of the users were on ${version} for ${formatDuration(degradedMs - heldMs)}${failed}`];
  const held =
    heldMs === 0
      ? []
      : [`requests were held for ${formatDuration(heldMs)}, and answered once the router opened again or with 503 after its limit`];
  return [...served, ...held].join('; ');
}
