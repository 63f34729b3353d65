import type { Flag } from '../../../packages/flags/src/core/definition.ts';
import { formatDuration, joinVerdicts, type Duration, type Instant, type Verdict } from '../../kernel/pure.ts';
import type { FlagLife } from './life.ts';

/** Why a flag may go. */
export type StaleReason = 'expired' | 'one-variant' | 'never-evaluated' | 'not-in-code';

/** Whether a flag is still needed, by one of these: `fail` says that it may go. */
export interface StaleCheck {
  readonly name: StaleReason;
  readonly verdict: Verdict;
  readonly reason: string;
}

/** What was found in the code of a repository; or why nothing is known of it. */
export type CodeFacts =
  | {
      /** In how many places each key was found. */
      readonly places: ReadonlyMap<string, number>;
      /** Calls whose key cannot be known: each of them may ask for any flag. */
      readonly computed: number;
    }
  | { readonly why: string };

/** What was counted in the environment. */
export interface CountFacts {
  /** By flag, over all that is kept. */
  readonly asked: ReadonlyMap<string, number>;
  /** Of these, since the time that counts. */
  readonly askedSince: ReadonlyMap<string, number>;
  /** Something was counted before the time that counts, so silence since then says something. */
  readonly longEnough: boolean;
  /** Somebody asked by OFREP for all flags at once. */
  readonly askedForAll: boolean;
}

export interface StaleFacts {
  readonly now: Instant;
  /** How long something must have been so. */
  readonly afterMs: Duration;
  readonly counts: CountFacts;
  readonly code: CodeFacts;
  /** Flags that require others, by the key of the other. */
  readonly requiredBy: ReadonlyMap<string, string>;
}

export interface JudgedLife {
  readonly verdict: Verdict;
  readonly checks: readonly StaleCheck[];
}

/** Asks of a flag all that may speak against it. One `fail` is enough: it may go, for that reason. */
export function judgeLife(key: string, flag: Flag, life: FlagLife, facts: StaleFacts): JudgedLife {
  const checks = [expired(flag, facts), oneVariant(flag, life, facts), neverEvaluated(key, life, facts), notInCode(key, facts)];
  return { checks, verdict: joinVerdicts(checks.map(({ verdict }) => verdict)) };
}

function check(name: StaleReason, verdict: Verdict, reason: string): StaleCheck {
  return { name, verdict, reason };
}

function expired({ about: { expiresAt } }: Flag, { now }: StaleFacts): StaleCheck {
  if (expiresAt === null) return check('expired', 'pass', 'it has no end');
  const left = Date.parse(expiresAt) - now;
  return left > 0
    ? check('expired', 'pass', `until ${expiresAt.slice(0, 10)}`)
    : check('expired', 'fail', `expired ${daysText(-left)} ago`);
}

/** These are there to stay as they are until they are needed. */
const MAY_STAY: ReadonlySet<string> = new Set(['ops', 'permission']);

function oneVariant({ type, enabled }: Flag, { fixed }: FlagLife, { now, afterMs }: StaleFacts): StaleCheck {
  if (MAY_STAY.has(type)) return check('one-variant', 'pass', `${type} flags may serve the same for good`);
  if (fixed === null) return check('one-variant', 'pass', 'not everybody gets the same');
  const { variant, dealtBy, since, seq } = fixed;
  const who = dealtBy.length === 0 ? 'everybody' : `everybody with ${dealtBy.join(' and ')}`;
  const told = `${who} has had ${variant} for ${daysText(now - since)}${enabled ? '' : ' (it is off)'}, since change ${seq}`;
  return check('one-variant', now - since >= afterMs ? 'fail' : 'pass', told);
}

function neverEvaluated(key: string, { madeAt }: FlagLife, { now, afterMs, counts, requiredBy }: StaleFacts): StaleCheck {
  const say = (verdict: Verdict, reason: string): StaleCheck => check('never-evaluated', verdict, reason);
  const asked = counts.asked.get(key) ?? 0;
  if (asked > 0) return say('pass', `counted ${asked.toLocaleString('en-US')} times`);
  const other = requiredBy.get(key);
  if (other !== undefined) return say('pass', `${other} requires it`);
  if (!counts.longEnough) return say('unknown', `nothing was counted here more than ${daysText(afterMs)} ago`);
  if (madeAt === null || now - madeAt < afterMs) return say('unknown', `made less than ${daysText(afterMs)} ago, and not counted yet`);
  if (counts.askedForAll)
    return say('unknown', 'not counted; but clients ask by OFREP for all flags at once, and which of them they look at nobody knows');
  return say('fail', 'never evaluated, as far back as is counted');
}

function notInCode(key: string, { afterMs, counts, code, requiredBy }: StaleFacts): StaleCheck {
  const say = (verdict: Verdict, reason: string): StaleCheck => check('not-in-code', verdict, reason);
  if ('why' in code) return say('unknown', code.why);
  const places = code.places.get(key) ?? 0;
  if (places > 0) return say('pass', `in ${places} place${places === 1 ? '' : 's'} of the code`);
  const other = requiredBy.get(key);
  if (other !== undefined) return say('pass', `${other} requires it`);
  const asked = counts.askedSince.get(key) ?? 0;
  // A store has the flags of many repositories.
  if (asked > 0)
    return say(
      'pass',
      `not in this code, but counted ${asked.toLocaleString('en-US')} times in the last ${daysText(afterMs)}: other code asks for it`,
    );
  if (code.places.size === 0) return say('unknown', 'no flag at all is in this code, so it may be in other code');
  if (code.computed > 0) return say('unknown', `not in the code by its name; ${code.computed} of its calls compute the key`);
  return say('fail', 'nowhere in the code');
}

const DAY_MS = 86_400_000;

/** Whole days; what is shorter than one is told exactly. */
export function daysText(time: Duration): string {
  return time < DAY_MS ? formatDuration(time) : `${Math.floor(time / DAY_MS)}d`;
}
