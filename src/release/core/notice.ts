import { formatDuration, toIso, type Duration } from '../../kernel/pure.ts';
import type { FailureClass } from './definition.ts';
import type { EventData, ReleaseEvent } from './events.ts';
import type { ReleaseState } from './state.ts';

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

/** The rollback notice (R-RB 4) in Markdown; null for a release that was not rolled back. */
export function rollbackNotice(state: ReleaseState, events: readonly ReleaseEvent[]): string | null {
  const started = events.find((event) => event.type === 'rollback.started');
  const finished = events.find((event) => event.type === 'release.finished');
  if (started?.type !== 'rollback.started' || finished?.type !== 'release.finished') return null;
  const { plan } = state;
  const request = failureRequest(state, events);
  const degraded = degradedFor(state, events);
  const time = finished.data.rollback;
  return [
    `# Rollback of ${plan.service} in ${plan.environment}`,
    '',
    `- From: ${plan.version}`,
    `- To: ${plan.previous === null ? 'nothing (there was no earlier version)' : plan.previous.version}`,
    `- Time: ${toIso(started.time)} to ${toIso(finished.time)}`,
    `- Took: ${time === undefined ? 'not measured' : `${formatDuration(time.tookMs)}, target ${formatDuration(time.targetMs)}: ${time.verdict}`}`,
    `- Degraded for: ${degraded === null ? 'not at all: users stayed on the old version' : formatDuration(degraded)}`,
    `- Reason: ${started.data.cause}`,
    `- Customer impact: ${impactOf(state, degraded)}`,
    `- Next steps: read ${request?.log ?? 'the report'}, repair ${plan.version}, release it under a new version`,
    `- Contact: ${request?.owner ?? plan.requestedBy}`,
    '',
  ].join('\n');
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

/** All the time for which the route was not open to the old version; null when it always was. */
function degradedFor({ plan }: ReleaseState, events: readonly ReleaseEvent[]): Duration | null {
  const routes = events.flatMap((event) =>
    event.type === 'step.finished' && event.data.facts['mode'] !== undefined ? [{ time: event.time, facts: event.data.facts }] : [],
  );
  const whole = `${plan.previous?.version ?? ''} 100 %`;
  const away = routes.flatMap((from, index) => {
    const until = routes[index + 1];
    const onOld = from.facts['mode'] === 'open' && from.facts['where'] === whole;
    return onOld || until === undefined ? [] : [until.time - from.time];
  });
  return away.length === 0 ? null : away.reduce((sum, one) => sum + one, 0);
}

function impactOf({ steps, plan }: ReleaseState, degraded: Duration | null): string {
  if (degraded === null) return 'none seen by the router';
  const served = steps['deploy.switch']?.status === 'pass';
  if (served) return `users were on ${plan.version} for part of that time; the observation window's figures are in the report`;
  return 'requests were held by the router, and answered once it opened again or with 503 after its limit';
}
