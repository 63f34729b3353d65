import type { Check } from '../../kernel/index.ts';

/** An answer without the question's name. */
export type Answer = Omit<Check, 'name'>;

export const pass = (reason: string): Answer => ({ verdict: 'pass', reason });
export const fail = (reason: string, fix: string): Answer => ({ verdict: 'fail', reason, fix });
export const unknown = (reason: string, fix: string): Answer => ({ verdict: 'unknown', reason, fix });
