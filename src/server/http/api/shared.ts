import type { Context } from 'hono';
import { z } from 'zod';
import type { Flag, FlagChange, StoredFlags } from '../../../flags/index.ts';
import { SlipwayError, toIso } from '../../../kernel/index.ts';
import type { ServeEnv } from '../mount.ts';

/** The store has no NUL in a text. */
export const NO_NUL = [/^[^\0]*$/, 'has a NUL, which is no character of a text'] as const;

export const keyParam = z.object({
  key: z
    .string()
    .min(1)
    .max(200)
    .regex(...NO_NUL),
});
export const reason = z
  .string()
  .max(1_000)
  .regex(...NO_NUL)
  .describe(
    'Why; kept in the history. Where the environment needs one for each change, a change without one is refused: 400 `reason_missing`.',
  );
export const IF_MATCH = { 'If-Match': 'The ETag of what the change was made from. Required.' } as const;

export const historyQuery = z.object({
  before: z.coerce.number().int().min(1).max(2_147_483_647).optional().describe('Only changes before this seq.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export const changeSchema = z
  .object({
    seq: z.int(),
    at: z.string(),
    actor: z.string(),
    reason: z.string(),
    action: z.enum([
      'create',
      'change',
      'delete',
      'kill',
      'undo-kill',
      'import',
      'ramp',
      'release',
      'restore',
      'server-gone',
      'reasons-required',
      'reasons-optional',
    ]),
    writes: z.array(z.object({ kind: z.enum(['flag', 'segment']), key: z.string(), before: z.json(), after: z.json() })),
  })
  .meta({ id: 'Change', description: 'One change, whole: all of its writes happened.' });

export function changeOf({ seq, at, actor, reason: why, action, writes }: FlagChange): object {
  return { seq, at: toIso(at), actor, reason: why, action, writes };
}

export interface AskedBy {
  readonly environment: string;
  readonly actor: string;
  readonly reason: string;
}

/** Who asks, as the history names them: the token, and what it is for. */
export function askedBy(context: Context<ServeEnv>, why: string): AskedBy {
  const { id, environment, description } = context.get('token');
  return { environment, actor: description === '' ? `token ${id}` : `${description} (token ${id})`, reason: why.trim() };
}

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/**
 * The revision that If-Match names.
 * @param now the revision that is there; undefined: none is
 * @throws SlipwayError `not_found`, `revision_missing`, `flag_conflict` for what is no revision of ours
 */
export function revisionOf(context: Context<ServeEnv>, now: number | undefined, what: string): number {
  if (now === undefined) throw new SlipwayError('not_found', `There is no ${what}`, { hint: 'GET /openapi.json says what lists them.' });
  const header = context.req.header('if-match')?.trim();
  if (header === undefined) throw new SlipwayError('revision_missing', `A change of the ${what} must say which revision it was made from`);
  // Whatever is there: the store still refuses when somebody is quicker than this request.
  if (header === '*') return now;
  const named = /^(?:W\/)?"(\d{1,15})"$/.exec(header)?.[1];
  if (named === undefined)
    throw new SlipwayError('request_invalid', 'If-Match is none of our ETags', { hint: 'Send it as it came, with its quotes.' });
  return Number(named);
}

export function flagIn({ set }: Pick<StoredFlags, 'set'>, key: string): Flag | null {
  return Object.hasOwn(set.flags, key) ? (set.flags[key] ?? null) : null;
}

export function noFlag(key: string, environment: string): SlipwayError {
  return new SlipwayError('not_found', `There is no flag ${key} in ${environment}`, { hint: 'GET /api/v1/flags lists them.' });
}
