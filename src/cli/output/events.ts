import { formatDuration, toIso, withReason } from '../../kernel/index.ts';
import { printedOf, type EventData, type Plan, type ReleaseEvent } from '../../release/index.ts';
import { isLook, printedLines, stateSign } from './progress.ts';
import type { Style } from './style.ts';

/** One line per event, for output that is not a terminal; null for events that only matter to machines. */
export function eventLine(event: ReleaseEvent, style: Style): string | null {
  const told = tell(event, style);
  return told === null ? null : `${toIso(event.time)}  ${told}`;
}

function tell(event: ReleaseEvent, style: Style): string | null {
  switch (event.type) {
    case 'release.requested':
      return tellAsked(event.data.plan, event.actor);
    case 'lock.waiting':
      return `waiting for release ${event.data.owner} to end`;
    case 'release.planned':
      return `planned again: ${event.data.reason}`;
    case 'driver.claimed':
      return event.data.takeover ? 'taken over by another worker' : null;
    case 'step.intended':
      return `${stateSign('running', style)} ${event.data.step}${tryText(event.data)}`;
    case 'step.finished':
      return [tellFinished(event.data, style), ...printedLines(printedOf(event.data.facts), style)].join('\n');
    case 'step.interrupted':
      return `${stateSign('interrupted', style)} ${event.data.step} was cut off`;
    case 'step.skipped':
      return `${stateSign('skipped', style)} ${event.data.step} skipped: ${event.data.reason}`;
    case 'release.stuck':
      return `${stateSign('fail', style)} stuck: ${event.data.reason}`;
    case 'rollback.started':
      return `rolling back: ${shortly(event.data.cause)}`;
    case 'release.finished':
      return `${event.data.outcome}: ${shortly(event.data.reason)}`;
    default:
      return tellRequest(event);
  }
}

function tellAsked({ kind, service, version, environment, reason = '' }: Plan, actor: string): string {
  return withReason(`${kind} of ${service} ${version} to ${environment} requested by ${actor}`, reason);
}

/** A window is looked at again and again; anything else is only tried again when it did not work. */
function tryText({ step, attempt }: EventData['step.intended']): string {
  if (attempt === 1) return '';
  return isLook(step) ? ` (look ${attempt})` : ` (try ${attempt})`;
}

const LONGEST_AGAIN = 240;

/** The step said all of it one line before, and the end says it once more. */
function shortly(reason: string): string {
  return reason.length > LONGEST_AGAIN ? `${reason.slice(0, LONGEST_AGAIN)}…` : reason;
}

function tellFinished({ verdict, step, startedAt, finishedAt, reason }: EventData['step.finished'], style: Style): string {
  const took = formatDuration(Date.parse(finishedAt) - Date.parse(startedAt));
  return `${stateSign(verdict, style)} ${step} ${verdict} in ${took}: ${reason}`;
}

function tellRequest(event: ReleaseEvent): string | null {
  switch (event.type) {
    case 'pause.requested':
    case 'resume.requested':
    case 'abort.requested':
    case 'rollback.requested':
      return withReason(`${event.type.replace('.requested', '')} requested by ${event.actor}`, event.data.reason);
    case 'promote.requested':
      return withReason(`promoted past ${event.data.step ?? 'all checkpoints'} by ${event.actor}`, event.data.reason);
    case 'stuck.accepted':
      return withReason(`accepted as it stands by ${event.actor}`, event.data.reason);
    case 'approval.given':
      return withReason(`${event.data.decision === 'approve' ? 'approved' : 'rejected'} by ${event.actor}`, event.data.reason);
    default:
      return null;
  }
}
