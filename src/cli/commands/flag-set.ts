import { SlipwayError, systemClock, toIso, type Instant } from '../../kernel/index.ts';
import {
  editFlag,
  stateText,
  withAbout,
  withShare,
  withSplit,
  withVariants,
  type About,
  type Flag,
  type FlagChange,
} from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { readVariant } from './flag-create.ts';
import { weightOf, weightsOf, whenOf, withFlag, type FlagCall } from './shared/flags.ts';
import { timeSpan } from './shared/numbers.ts';
import { many, text, type Call, type Handler } from './spec.ts';

const YEAR_MS = 366 * 86_400_000;

/** Turns a flag on: whom it serves is as it says. */
export const on: Handler = (call) => withFlag(call, (setting) => change(call, setting, (flag) => ({ ...flag, enabled: true })));

/** Turns a flag off: everybody gets its safe variant. What else it says stays. */
export const off: Handler = (call) => withFlag(call, (setting) => change(call, setting, (flag) => ({ ...flag, enabled: false })));

/** Changes what a flag serves to whom no rule holds, its variants, and what people know of it. */
export const set: Handler = async (call) => {
  const edits = editsOf(call, systemClock.now());
  if (edits.length === 0)
    throw new SlipwayError('usage', 'Nothing to change was named', { hint: '`slipway flag set --help` lists what can be.' });
  return withFlag(call, (setting) => change(call, setting, (flag) => edits.reduce((edited, edit) => edit(edited), flag)));
};

/** Makes the change, and says what the flag does by now. */
export async function change(call: Call, { store, asked, key, environment }: FlagCall, edit: Edit): Promise<number> {
  let after: Flag | null = null;
  const made = await editFlag(store, asked, key, { edit: (flag) => (after = edit(flag)) });
  tell(call, { environment, key, made, after });
  return 0;
}

interface Changed {
  readonly environment: string;
  readonly key: string;
  readonly made: FlagChange | null;
  readonly after: Flag | null;
}

function tell({ terminal }: Call, { environment, key, made, after }: Changed): void {
  const does = (flag: Flag): string => (flag.enabled ? stateText(flag) : `off (once it is on: ${stateText({ ...flag, enabled: true })})`);
  answer(
    terminal,
    { environment, seq: made?.seq ?? null, key, changed: made !== null, flag: after },
    () => `${key} in ${environment}${made === null ? ' is so already' : ''}: ${after === null ? '' : does(after)}`,
  );
}

type Edit = (flag: Flag) => Flag;

function editsOf(call: Call, now: Instant): readonly Edit[] {
  return [...variantEdits(call), ...serveEdits(call), ...safetyEdits(call), ...aboutEdits(call, now)];
}

function variantEdits(call: Call): readonly Edit[] {
  const [given, without] = [many(call, 'value').map((one) => readVariant('--value', one)), many(call, 'removeVariant')];
  if (given.length + without.length === 0) return [];
  return [
    (flag) =>
      withVariants(
        flag,
        given.map((read) => read(flag.valueType)),
        without,
      ),
  ];
}

function serveEdits(call: Call): readonly Edit[] {
  const given = (name: string): string | null => text(call, name) ?? null;
  const [percentage, variant, by, split] = [given('percentage'), given('variant'), given('by'), given('split')] as const;
  if (split !== null) {
    if ((percentage ?? variant) !== null) throw new SlipwayError('usage', '--split says it all: leave --percentage and --variant out');
    const weights = weightsOf(split);
    return [(flag) => withSplit(flag, weights, by)];
  }
  if (percentage !== null) {
    const weight = weightOf('--percentage', percentage);
    return [(flag) => withShare(flag, { weight, variant, by })];
  }
  if (by !== null) throw new SlipwayError('usage', '--by needs --percentage or --split');
  return variant === null ? [] : [(flag) => ({ ...flag, default: { variant } })];
}

function safetyEdits(call: Call): readonly Edit[] {
  const [off, stale] = [text(call, 'off'), text(call, 'stale')];
  const needs = many(call, 'needs').map(prerequisiteOf);
  const free = many(call, 'needsNot');
  const afterMs = stale === undefined || stale === 'never' ? null : timeSpan('--stale', stale, YEAR_MS);
  return [
    ...(off === undefined ? [] : [(flag: Flag) => ({ ...flag, off })]),
    ...(stale === undefined ? [] : [(flag: Flag) => ({ ...flag, stale: afterMs === null ? null : { afterMs } })]),
    ...(needs.length + free.length === 0 ? [] : [(flag: Flag) => withPrerequisites(flag, needs, free)]),
  ];
}

type Prerequisite = Flag['prerequisites'][number];

/** `release_cart=on`, or `release_cart=on,beta`. */
function prerequisiteOf(given: string): Prerequisite {
  const [flag = '', variants = ''] = given.split('=');
  if (flag !== '' && variants !== '') return { flag, variants: variants.split(',') };
  throw new SlipwayError('usage', `--needs ${given}: a flag and what it must serve are needed, such as release_cart=on`);
}

function withPrerequisites(flag: Flag, needs: readonly Prerequisite[], free: readonly string[]): Flag {
  const gone = new Set([...free, ...needs.map((one) => one.flag)]);
  return { ...flag, prerequisites: [...flag.prerequisites.filter((one) => !gone.has(one.flag)), ...needs] };
}

function aboutEdits(call: Call, now: Instant): readonly Edit[] {
  const expires = text(call, 'expires');
  const expiresAt = expires === undefined || expires === 'never' ? null : toIso(whenOf('--expires', expires, now));
  const texts = ['owner', 'name', 'description'].flatMap((name) => {
    const given = text(call, name);
    return given === undefined ? [] : [[name, given] as const];
  });
  const tags = many(call, 'tag');
  const changes: Partial<About> = {
    ...Object.fromEntries(texts),
    ...(expires === undefined ? {} : { expiresAt }),
    ...(tags.length === 0 ? {} : { tags: tags.filter((tag) => tag !== '') }),
  };
  return Object.keys(changes).length === 0 ? [] : [(flag) => withAbout(flag, changes)];
}
