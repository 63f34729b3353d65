import { formatDuration, parseDuration } from '../../../kernel/pure.ts';
import { EVERYBODY, type RampStep } from './ramp.ts';

/** A step that does not say for how long. */
const USUAL_MS = 600_000;

const STEP = /^(off|internal|(\d{1,3}(?:\.\d{1,3})?) ?%)(?: for (\S{1,20}))?$/;

/**
 * Reads `off, internal, 1% for 24h, 10% for 1h, 100%`: each step wider than the one before, the last for everybody or whatever share is
 * the end. A step lasts 10 minutes unless it says otherwise, `off` no time.
 * @returns the steps, or what is wrong in words for a person
 */
export function parseSteps(parts: readonly string[]): readonly RampStep[] | string {
  const steps: RampStep[] = [];
  for (const part of parts) {
    const step = parseStep(part.trim());
    if (typeof step === 'string') return step;
    const before = steps.at(-1);
    if (before !== undefined && widthOf(step) <= widthOf(before)) return `"${part.trim()}" is no more than the step before it`;
    steps.push(step);
  }
  if (!steps.some(({ kind }) => kind !== 'off')) return 'no step gives anybody the variant';
  return steps;
}

function parseStep(text: string): RampStep | string {
  const [, kind, percent, time] = STEP.exec(text) ?? [];
  if (kind === undefined) return `"${text}" is no step; write off, internal, "1%" or "1% for 24h"`;
  const forMs = time === undefined ? (kind === 'off' ? 0 : USUAL_MS) : parseDuration(time);
  if (forMs === null) return `"${time}" is no length of time; write 30m, 24h or 7d`;
  if (percent === undefined) return { kind: kind === 'off' ? 'off' : 'internal', share: 0, forMs };
  const share = Math.round(Number(percent) * 1_000);
  return share > 0 && share <= EVERYBODY ? { kind: 'share', share, forMs } : `"${text}": a share is above 0% and at most 100%`;
}

const ORDER = { off: -2, internal: -1 } as const;

/** How many have the variant, for comparing steps of one ramp. */
function widthOf({ kind, share }: RampStep): number {
  return kind === 'share' ? share : ORDER[kind];
}

/** `1 % for 24h`, as a person reads it. */
export function stepText(step: RampStep): string {
  const who = step.kind === 'share' ? `${step.share / 1_000} %` : step.kind;
  return step.forMs === 0 ? who : `${who} for ${formatDuration(step.forMs)}`;
}
