import type { Check } from '../../kernel/index.ts';

/**
 * An answer without the question's name; `passing` when asking again in a moment may be answered otherwise, `blocks` false when it is
 * only advice; `parts` are the questions it was put together from, for the record.
 */
export type Answer = Omit<Check, 'name'> & { readonly passing?: boolean; readonly blocks?: boolean; readonly parts?: readonly Check[] };

export const pass = (reason: string): Answer => ({ verdict: 'pass', reason });
export const fail = (reason: string, fix: string): Answer => ({ verdict: 'fail', reason, fix });
export const unknown = (reason: string, fix: string): Answer => ({ verdict: 'unknown', reason, fix });
export const notYet = (reason: string, fix: string): Answer => ({ ...unknown(reason, fix), passing: true });
