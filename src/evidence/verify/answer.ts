import type { Check } from '../../kernel/index.ts';

/** A check without its name. */
export type Answer = Omit<Check, 'name'>;

/** Passes with what was looked at when nothing is wrong; else fails with the first problems found. */
export function answerOf(problems: readonly string[], looked: string): Answer {
  if (problems.length === 0) return { verdict: 'pass', reason: looked };
  const shown = problems.slice(0, 5).map(printable).join('; ');
  return { verdict: 'fail', reason: problems.length > 5 ? `${shown}; and ${problems.length - 5} more` : shown };
}

/** Names come from a stranger's file system: nothing in them may steer a terminal. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e\u00a0-\u024f\u2013\u2014]/g, '?').slice(0, 300);
}
