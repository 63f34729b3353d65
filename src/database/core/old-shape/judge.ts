import { formatDuration, toIso, type Check, type Duration, type Instant } from '../../../kernel/pure.ts';
import { upperShare } from './bound.ts';
import type { CountedStatement, Dependant, MismatchDefinition, MismatchSample, Seen, SessionGroup, StatementFacts } from './facts.ts';
import { isCertain } from './uses.ts';
import { quietSince, type Watched } from './watch.ts';

/** Something found that is known to do no harm, and why. */
export interface Allowed {
  readonly kind: 'statement' | 'client' | 'dependant';
  readonly name: string;
  readonly because: string;
}

/** When it is, and for how long the old shape must have been left alone. */
export interface Window {
  readonly now: Instant;
  readonly windowMs: Duration;
}

type Answer = Omit<Check, 'name'>;

const MOST_NAMED = 3;

/** The first few of a list, and how many more there are. */
export function some(list: readonly string[]): string {
  const more = list.length - MOST_NAMED;
  return `${list.slice(0, MOST_NAMED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const excerpt = (text: string): string => (text.length > 120 ? `${text.slice(0, 117)}...` : text);

/** Has anybody sent a statement that uses the old shape while the window lasted? */
export function judgeStatements(seen: Seen<StatementFacts>, allowed: readonly Allowed[], { now, windowMs }: Window): Answer {
  if (!seen.ok) return { verdict: 'unknown', reason: seen.reason, fix: seen.fix };
  const { uses, hidden, since, evictedAt, looked, remembered } = seen.value;
  const excused = new Set(allowed.filter(({ kind }) => kind === 'statement').map(({ name }) => oneLine(name)));
  const judged = uses.filter(({ text, calls }) => calls > 0 && !excused.has(text));
  const from = now - windowMs;
  const moved = judged.filter(({ watched }) => (watched.movedAt ?? 0) > from);
  const named = moved.filter(({ use }) => isCertain(use));
  if (named.length > 0)
    return {
      verdict: 'fail',
      reason: `called within the last ${formatDuration(windowMs)}: ${some(named.map(calledText))}`,
      fix: 'Find who sends them (pg_stat_activity, the code), move them to the new shape, and ask again when the window has passed.',
    };
  if (moved.length > 0)
    return {
      verdict: 'unknown',
      reason: `called within the last ${formatDuration(windowMs)}, and nobody sees whether it is used: ${some(moved.map(calledText))}`,
      fix: 'Name the columns in them, or say under `allow` of the declaration why each of them does without it.',
    };
  if (hidden > 0)
    return {
      verdict: 'unknown',
      reason: `the texts of ${hidden} statements of other users are hidden from this one`,
      fix: 'GRANT pg_read_all_stats to the user of database.url.',
    };
  if (!remembered && judged.length > 0)
    return {
      verdict: 'unknown',
      reason: `use it: ${some(judged.map(({ text }) => excerpt(text)))}; whether they are still called is watched once no version runs that needs it`,
      fix: 'See the check `window`; then ask once a day.',
    };
  const quiet = Math.max(since, ...judged.map(({ watched }) => quietSince(watched)));
  if (quiet > from) return tooShort(quiet, { now, windowMs }, { judged, evictedAt });
  const what =
    judged.length === 0
      ? `none of ${looked} counted statements that mention it uses it`
      : `${judged.length} statements used it, none of them`;
  return { verdict: 'pass', reason: `${what} since ${toIso(quiet)}` };
}

function tooShort(
  quiet: Instant,
  { windowMs }: Window,
  { judged, evictedAt }: { readonly judged: readonly CountedStatement[]; readonly evictedAt: Instant | null },
): Answer {
  const why =
    evictedAt === quiet
      ? `the server forgot statements to make room for others, last seen ${toIso(quiet)}`
      : judged.length === 0
        ? `statements are counted since ${toIso(quiet)}`
        : `${some(judged.map(({ text }) => excerpt(text)))} ${judged.length === 1 ? 'is' : 'are'} watched since ${toIso(quiet)} and not called since`;
  return {
    verdict: 'unknown',
    reason: `${why}; the window is ${formatDuration(windowMs)}`,
    fix: `Ask again after ${toIso(quiet + windowMs)}${evictedAt === quiet ? ', and raise pg_stat_statements.max' : ''}.`,
  };
}

const HOW: Readonly<Record<CountedStatement['use'], string>> = {
  names: '',
  'takes all': ' (takes every column)',
  'leaves out': ' (leaves it out)',
  'may leave out': ' (leaves it out, unless a trigger fills it)',
  unreadable: ' (cannot be read)',
};

function calledText({ text, calls, watched, use }: CountedStatement): string {
  return `${excerpt(text)}${HOW[use]}, ${calls} ${calls === 1 ? 'call' : 'calls'} in all, last seen rising at ${toIso(watched.movedAt ?? watched.firstAt)}`;
}

/** Does anything in the database itself use the old shape? */
export function judgeDependants(found: readonly Dependant[], allowed: readonly Allowed[]): Answer {
  const excused = new Set(allowed.filter(({ kind }) => kind === 'dependant').map(({ name }) => name));
  const judged = found.filter(({ what }) => !excused.has(what));
  const certain = judged.filter(({ use }) => isCertain(use));
  if (certain.length > 0)
    return {
      verdict: 'fail',
      reason: some(certain.map(({ what, shape, how }) => `${what} uses ${shape}: ${how}`)),
      fix: 'Give them a new definition, or drop them, in a migration before this one or in it.',
    };
  if (judged.length > 0)
    return {
      verdict: 'unknown',
      reason: some(judged.map(({ what, shape, use }) => `${what}${HOW[use]}: ${shape}`)),
      fix: 'Name the columns it needs, or say under `allow` of the declaration why it does without it.',
    };
  return { verdict: 'pass', reason: 'no view, function, trigger, policy, generated column, foreign key or publication uses it' };
}

/** Which version of the service a session belongs to, by the name Slipway gives its instances; null for another program's. */
function versionOfSession(service: string, name: string): string | null {
  const [first, version, instance] = name.split(' ');
  return first === service && version !== undefined && instance !== undefined ? version : null;
}

/** Is anybody connected who may still need the old shape? */
export function judgeSessions(
  sessions: readonly SessionGroup[],
  {
    service,
    isOld,
    allowed,
  }: { readonly service: string; readonly isOld: (version: string) => boolean | null; readonly allowed: readonly Allowed[] },
): Answer {
  const excused = new Set(allowed.filter(({ kind }) => kind === 'client').map(({ name }) => name));
  const judged = sessions
    .filter(({ name }) => !excused.has(name))
    .map((one) => {
      const version = versionOfSession(service, one.name);
      return { ...one, version, old: version === null ? null : isOld(version) };
    });
  const old = judged.filter((one) => one.old === true);
  if (old.length > 0)
    return {
      verdict: 'fail',
      reason: `connected: ${some(old.map(sessionText))}`,
      fix: 'End these processes: no release of Slipway runs them any more if the check `versions` passes.',
    };
  const untold = judged.filter((one) => one.version !== null && one.old === null);
  if (untold.length > 0)
    return {
      verdict: 'unknown',
      reason: `connected: ${some(untold.map(sessionText))}; nothing says whether they need it`,
      fix: 'See the check `window`.',
    };
  const foreign = judged.filter((one) => one.version === null);
  if (foreign.length > 0)
    return {
      verdict: 'unknown',
      reason: `connected, and of no version known here: ${some(foreign.map(sessionText))}`,
      fix: 'End them, let them use the application_name that Slipway sets (PGAPPNAME), or name them under `allow` of the declaration with the reason why they do without the old shape.',
    };
  const own = judged.reduce((sum, { count }) => sum + count, 0);
  return {
    verdict: 'pass',
    reason:
      own === 0
        ? 'nobody else is connected now'
        : `${own} ${own === 1 ? 'session, of a version that does' : 'sessions, all of versions that do'} without it`,
  };
}

function sessionText({ name, user, address, count, since }: SessionGroup): string {
  const from = since === null ? '' : ` since ${toIso(since)}`;
  return `${name === '' ? 'a program without a name' : `"${name}"`} of ${user} from ${address} (${count}${from})`;
}

/** Do both shapes say the same? Nothing looked at proves nothing. */
export function judgeMismatch(sample: MismatchSample, { allow }: Pick<MismatchDefinition, 'allow'>): Answer {
  const { rows, mismatched, undecided, drawn, examples, complete } = sample;
  if (rows === 0)
    return { verdict: 'unknown', reason: 'no row was looked at', fix: 'Ask again when there are rows; an empty table proves nothing.' };
  const bound = complete ? mismatched / rows : upperShare(drawn.mismatched, drawn.rows);
  const told = `${mismatched} of ${rows} rows ${complete ? '(all of them)' : `sampled, ${drawn.rows} of them by chance,`} disagree`;
  if (mismatched / rows > allow)
    return {
      verdict: 'fail',
      reason: `${told}${examples.length === 0 ? '' : `; such as ${examples.join(', ')}`}`,
      fix: 'Find who writes only one of both, repair the rows with the backfill, and look again.',
    };
  if (undecided > 0)
    return {
      verdict: 'unknown',
      reason: `${told}, and for ${undecided} the condition is null, which says neither`,
      fix: 'Write IS DISTINCT FROM instead of <>, or coalesce(..., false) where null means that they agree.',
    };
  if (!complete && drawn.rows === 0)
    return { verdict: 'unknown', reason: `${told}: the time was over before any other row was drawn`, fix: 'Give it more time: --within.' };
  const sure = complete ? told : `${told}; at most ${percent(bound)} of all, with 95 % confidence`;
  if (mismatched > 0 && bound > allow)
    return { verdict: 'unknown', reason: `${sure}, and ${percent(allow)} are allowed`, fix: 'Look at more rows: --rows, or --all.' };
  return { verdict: 'pass', reason: sure };
}

/** A share as people write it; a small one is not rounded to nothing. */
function percent(share: number): string {
  return share === 0 || share === 1 ? `${share * 100} %` : `${Number((share * 100).toPrecision(2))} %`;
}

/** Has any read fallen back to the old shape while the window lasted? */
export function judgeFallback(watched: Watched | null, { now, windowMs }: Window): Answer {
  if (watched === null)
    return {
      verdict: 'unknown',
      reason: 'this user may not keep anything in the database, so whether the counter moved cannot be told',
      fix: 'Give database.url a user that may create a schema, or create slipway_history and grant it.',
    };
  const { value, movedAt } = watched;
  const from = now - windowMs;
  if (movedAt !== null && movedAt > from)
    return {
      verdict: 'fail',
      reason: `reads fell back to the old shape: the counter stood at ${value} when it was last seen moving, ${toIso(movedAt)}`,
      fix: 'Find the rows that are not in the new shape (slipway db mismatch), and ask again when the window has passed.',
    };
  const quiet = quietSince(watched);
  if (quiet > from)
    return {
      verdict: 'unknown',
      reason: `the counter stands at ${value} since ${toIso(quiet)}; the window is ${formatDuration(windowMs)}`,
      fix: `Ask again after ${toIso(quiet + windowMs)}.`,
    };
  return { verdict: 'pass', reason: `no read fell back since ${toIso(quiet)} (the counter stands at ${value})` };
}
