import { formatDuration, toIso, type Check } from '../../kernel/index.ts';
import type { LastUse } from '../core/old-version.ts';
import type { PreviousVersion } from '../core/plan.ts';
import type { Proof } from '../prove/ports.ts';
import type { Looking } from './gate.ts';
import { onContracted } from './proofs.ts';

type Answer = Omit<Check, 'name'>;

const DECLARE =
  'Say it: `since` in contracts/NAME.yaml, or run `slipway db prove` on this commit while a version serves that does without it.';

/** The version that serves, where a proof has run it without the old shape and it passed; null where none has. */
export function serveableSince(proof: Proof | null, previous: PreviousVersion | null): string | null {
  if (proof === null || previous === null || proof.old.version !== previous.version) return null;
  const cells = onContracted(proof, 'old');
  return cells.length > 0 && cells.every(({ verdict }) => verdict === 'pass') ? previous.version : null;
}

/** Has the time passed in which somebody would have noticed? */
export function checkWindow({ since, use, freeSince: from, now, windowMs, subject }: Looking): Answer {
  if (since === null || use === null)
    return { verdict: 'unknown', reason: 'nothing says which version was the first that does without it', fix: DECLARE };
  if (use.kind === 'unknown') return { verdict: 'unknown', reason: `${use.reason} (${since})`, fix: DECLARE };
  if (use.kind === 'now' || from === null || now < from)
    return {
      verdict: 'fail',
      reason: `the window has not begun: ${notBegun(use, since)}`,
      fix: `Release ${since} or later, and wait ${formatDuration(windowMs)} from when the old version is stopped.`,
    };
  const because = subject.declared?.because ?? null;
  const told = `${beganText(use, since)} (${toIso(from)})`;
  if (now < from + windowMs)
    return {
      verdict: 'fail',
      reason: `${formatDuration(now - from)} of ${formatDuration(windowMs)} have passed since ${told}`,
      fix: `Ask again after ${toIso(from + windowMs)}.`,
    };
  return {
    verdict: 'pass',
    reason: `${formatDuration(now - from)} since ${told}; the window is ${formatDuration(windowMs)}${because === null ? '' : `, because: ${because}`}`,
  };
}

type Began = Extract<LastUse, { kind: 'until' }>;

function notBegun(use: Began | Extract<LastUse, { kind: 'now' }>, since: string): string {
  return use.kind === 'now'
    ? `${use.version} is released, and versions before ${since} need it`
    : `${use.version ?? ''} is still kept warm`;
}

function beganText({ version }: Began, since: string): string {
  return version === null
    ? `${since} or later was first released here, nothing older ever was`
    : `${version}, the last version that needs it, was gone`;
}

/** Does any instance run that may need it? Instances that are warm, canaries and workers count. */
export async function checkVersions({ deps, request, since, isOld }: Looking): Promise<Answer> {
  if (since === null) return { verdict: 'unknown', reason: 'nothing says which versions need it', fix: DECLARE };
  const { service, environment } = request.definition;
  const groups = await deps.target.list(service, environment);
  const judged = groups.map(({ spec, stopAt }) => ({ version: spec.version, id: spec.id, stopAt, old: isOld(spec.version) }));
  const old = judged.filter((one) => one.old !== false);
  if (old.length > 0)
    return {
      verdict: old.some((one) => one.old === true) ? 'fail' : 'unknown',
      reason: `running: ${old.map(({ version, id, stopAt }) => `${version} in ${id}${stopAt === null ? '' : ` until ${toIso(stopAt)}`}`).join('; ')}; ${since} is the first that does without it`,
      fix: 'Wait until it is stopped, or release a version that does without the old shape.',
    };
  if (judged.length === 0)
    return {
      verdict: 'unknown',
      reason: 'nothing of this service runs here, so whoever uses the database runs elsewhere',
      fix: 'Ask where the service runs.',
    };
  return { verdict: 'pass', reason: `${judged.map(({ version, id }) => `${version} in ${id}`).join('; ')}; none older than ${since}` };
}
