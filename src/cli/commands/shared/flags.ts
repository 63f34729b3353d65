import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseDuration, SlipwayError, type Instant } from '../../../kernel/index.ts';
import { CONFIG_FILE, loadConfig, nearest } from '../../../config/index.ts';
import { EVERYBODY, NoFlag, parsePercent, percentText, type Asked, type Flag, type FlagStore } from '../../../flags/index.ts';
import type { App } from '../../compose.ts';
import { text, type Call } from '../spec.ts';
import { actorOf, withAppNow } from './app.ts';

const USUAL = 'dev';

/** The environment a command about flags means. @throws SlipwayError `usage` for what can be no name */
export function environmentOf(call: Call): string {
  return environmentName(text(call, 'env') ?? USUAL);
}

/** @throws SlipwayError `usage` */
export function environmentName(name: string): string {
  if (/^[a-z][a-z0-9-]{0,39}$/.test(name)) return name;
  throw new SlipwayError('usage', `--env ${name}: an environment is named by lower-case letters, digits and "-", beginning with a letter`);
}

/**
 * The same, for what is made new: where slipway.yaml lists environments it is one of those, so that a slip of the pen makes no new one.
 * A slipway.yaml that is broken otherwise is no reason to refuse: flags do not need it.
 */
export async function newEnvironmentOf(call: Call): Promise<string> {
  const environment = environmentOf(call);
  const strange = await strangeness(call, environment);
  if (strange !== null) throw strange;
  return environment;
}

/** Whether slipway.yaml, where there is one that can be read, lists the environment. */
export async function isListed(call: Call, environment: string): Promise<boolean> {
  return (await strangeness(call, environment)) === null;
}

async function strangeness(call: Call, environment: string): Promise<SlipwayError | null> {
  if (call.config === null && !existsSync(join(call.directory, CONFIG_FILE))) return null;
  try {
    await loadConfig(call.config ?? call.directory, environment);
    return null;
  } catch (error) {
    return error instanceof SlipwayError && error.code === 'usage' ? error : null;
  }
}

/** Says of an environment in which nothing ever was which ones there are: a slip of the pen is an environment of its own, and works. */
export async function noteNewEnvironment({ terminal }: Call, store: FlagStore, environment: string): Promise<void> {
  const known = await store.environments();
  if (known.length === 0 || known.includes(environment)) return;
  terminal.note(`note: no flag was ever in ${environment}; there are flags in ${known.join(', ')}`);
}

/** What a command about one flag works with. */
export interface FlagCall {
  readonly app: App;
  readonly store: FlagStore;
  readonly environment: string;
  readonly key: string;
  readonly asked: Asked;
}

/** Opens the store for a command about the flag that is its first argument. A flag that is not there is refused with those it may be. */
export async function withFlag(
  call: Call,
  use: (setting: FlagCall) => Promise<number>,
  where: (store: FlagStore, key: string) => Promise<string> = () => Promise.resolve(environmentOf(call)),
  open: typeof withAppNow<number> = withAppNow,
): Promise<number> {
  const [key = ''] = call.args;
  // Told before a store is opened, or made.
  const named = text(call, 'env');
  if (named !== undefined) environmentName(named);
  return open(call, async (app) => {
    const store = app.opened.flags;
    const environment = await where(store, key);
    try {
      return await use({ app, store, environment, key, asked: askedOf(call, app, environment) });
    } catch (error) {
      throw await withWhereItIs(error, call, { store, environment, key });
    }
  });
}

/** Where a flag of that name is, or which name was meant: the commonest slips, an environment left out and a letter. */
async function withWhereItIs(
  error: unknown,
  call: Call,
  { store, environment, key }: Pick<FlagCall, 'store' | 'environment' | 'key'>,
): Promise<unknown> {
  if (!(error instanceof NoFlag)) return error;
  const having = await environmentsWith(store, key);
  const meant = nearest(key, Object.keys((await store.read(environment)).set.flags));
  const [only, ...more] = having;
  const how = text(call, 'env') === undefined ? 'add' : 'it is not in the one given; pass';
  const hint =
    only !== undefined
      ? `It is in ${having.join(', ')}: ${how} ${more.length === 0 ? `--env ${only}` : 'one of them as --env'}.`
      : meant === null
        ? error.hint
        : `Did you mean ${meant}?`;
  return new SlipwayError('not_found', error.message, { hint, cause: error });
}

/** Environments that have a flag of this key. */
export async function environmentsWith(store: FlagStore, key: string): Promise<readonly string[]> {
  return (await everywhere(store, key)).map(({ environment }) => environment);
}

/** Other environments in which a flag of this key is on: whoever kills it in one may have meant another. */
export async function onElsewhere(store: FlagStore, key: string, environment: string): Promise<readonly string[]> {
  const others = (await everywhere(store, key)).filter((one) => one.environment !== environment && one.flag.enabled);
  return others.map((one) => one.environment);
}

async function everywhere(store: FlagStore, key: string): Promise<readonly { readonly environment: string; readonly flag: Flag }[]> {
  const having: { readonly environment: string; readonly flag: Flag }[] = [];
  for (const environment of await store.environments()) {
    const { flags } = (await store.read(environment)).set;
    const flag = Object.hasOwn(flags, key) ? flags[key] : undefined;
    if (flag !== undefined) having.push({ environment, flag });
  }
  return having;
}

/** A percentage in thousandths of a percent: `25`, `25%`, `0.125`. @throws SlipwayError `usage` */
export function weightOf(option: string, given: string): number {
  const weight = parsePercent(given.trim().endsWith('%') ? given : `${given}%`);
  if (weight !== null) return weight;
  throw new SlipwayError(
    'usage',
    `${option} ${given}: a share in percent is needed, from 0 to 100 with at most three decimals, such as 25 or 0.5`,
  );
}

/** `red=25,blue=75`. @throws SlipwayError `usage` */
export function weightsOf(given: string): readonly { readonly variant: string; readonly weight: number }[] {
  const weights = given.split(',').map((part) => {
    const at = part.lastIndexOf('=');
    if (at <= 0) throw new SlipwayError('usage', `--split ${given}: variants and their shares are needed, such as red=25,blue=75`);
    return { variant: part.slice(0, at).trim(), weight: weightOf('--split', part.slice(at + 1)) };
  });
  const sum = weights.reduce((total, { weight }) => total + weight, 0);
  if (sum === EVERYBODY) return weights;
  throw new SlipwayError('usage', `--split ${given}: the shares are ${percentText(sum)} together, and must be 100%`);
}

/** Who asks, where and why. The reason is redacted before it is kept, as all that people write. */
export function askedOf(call: Call, app: App, environment: string): Asked {
  return { environment, actor: actorOf(call.environment), reason: app.effects.redact(text(call, 'reason')?.trim() ?? '') };
}

/** What others must be able to read is not done without it. @throws SlipwayError `usage` */
export function needReason(call: Call, message: string, hint = 'Say why, in a few words: --reason "...".'): void {
  if ((text(call, 'reason')?.trim() ?? '') === '') throw new SlipwayError('usage', message, { hint });
}

/** `2027-03-31` (its beginning, UTC), an ISO time with a zone, or `90d` from now. @throws SlipwayError `usage` */
export function whenOf(option: string, given: string, now: Instant): Instant {
  return readWhen(option, given)(now);
}

/** The same for who does not know yet what time it is: what is none is told at once. @throws SlipwayError `usage`, as what it answers does */
export function readWhen(option: string, given: string): (now: Instant) => Instant {
  const span = parseDuration(given);
  const iso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(given);
  const fixed = iso ? Date.parse(given) : Number.NaN;
  const refuse = (why: string): never => {
    throw new SlipwayError('usage', `${option} ${given}: ${why}`);
  };
  const none = 'a day such as 2027-03-31 or a length of time such as 90d is needed';
  if (span === null && (!Number.isFinite(fixed) || isOtherDay(given, fixed))) refuse(none);
  return (now) => {
    const at = span === null ? fixed : now + span;
    if (at > MOST_MS) refuse(none);
    return at > now ? at : refuse('that is past');
  };
}

/** Far enough for anything; beyond it, text and sorting of ISO times change. */
const MOST_MS = Date.UTC(9999, 11, 31);

/** The 31st of February is read as a day of March. */
function isOtherDay(given: string, at: Instant): boolean {
  return !given.includes('T') && new Date(at).toISOString().slice(0, 10) !== given;
}
