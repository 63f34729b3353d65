import { SlipwayError, systemClock, type Instant } from '../../kernel/index.ts';
import {
  createFlag,
  newFlag,
  refuseInvalid,
  type Draft,
  type FlagSet,
  type FlagType,
  type FlagValue,
  type ValueType,
} from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { withNewApp } from './shared/app.ts';
import { newEnvironmentOf, noteNewEnvironment, whenOf, withFlag } from './shared/flags.ts';
import { many, text, type Call, type Handler } from './spec.ts';

/** Makes a flag, which is off. */
export const run: Handler = async (call) => {
  const environment = await newEnvironmentOf(call);
  const [key = ''] = call.args;
  const now = systemClock.now();
  const flag = newFlag(key, draftOf(call, now), now);
  // What is wrong with it by itself is told before a store is made for it.
  const none: FlagSet = { format: 1, environment, seq: 0, flags: {}, segments: {} };
  refuseInvalid(none, { ...none, flags: { [key]: flag } });
  return withFlag(
    call,
    async ({ store, asked }) => {
      await noteNewEnvironment(call, store, environment);
      const { seq } = await createFlag(store, asked, key, flag);
      answer(
        call.terminal,
        { environment, seq, key, flag },
        () =>
          `Made ${key} in ${environment}. It is off: everybody gets ${flag.off}. Turn it on with \`slipway flag on ${key} -e ${environment}\`.`,
      );
      return 0;
    },
    () => Promise.resolve(environment),
    withNewApp,
  );
};

function draftOf(call: Call, now: Instant): Draft {
  const type = required(call, 'type', 'why it is there: release, ops, experiment or permission') as FlagType;
  const valueType = (text(call, 'valueType') ?? 'boolean') as ValueType;
  return {
    type,
    valueType,
    owner: required(call, 'owner', 'who answers for it'),
    variants: Object.fromEntries(many(call, 'variant').map((given) => variantOf('--variant', given, valueType))),
    off: text(call, 'off') ?? null,
    serve: text(call, 'serve') ?? null,
    expiresAt: expiryOf(call, type, now),
    name: text(call, 'name') ?? '',
    description: text(call, 'description') ?? '',
    tags: many(call, 'tag'),
  };
}

function required(call: Call, option: string, what: string): string {
  const given = text(call, option)?.trim() ?? '';
  if (given !== '') return given;
  throw new SlipwayError('usage', `--${option} is needed: ${what}`);
}

function expiryOf(call: Call, type: FlagType, now: Instant): Instant | null {
  const given = text(call, 'expires');
  const mayStay = type === 'ops' || type === 'permission';
  if (given !== undefined && given !== 'never') return whenOf('--expires', given, now);
  if (mayStay) return null;
  throw new SlipwayError('usage', `--expires is needed: a flag of type ${type} goes when it is done`, {
    hint: 'Say when it should be gone, such as --expires 90d. Only ops and permission may stay.',
  });
}

/** `name=value`, read by the type of the flag's values. @throws SlipwayError `usage` */
function variantOf(option: string, given: string, type: ValueType): readonly [string, FlagValue] {
  return readVariant(option, given)(type);
}

/** The same for who does not know the type yet. @throws SlipwayError `usage`, as what it answers does */
export function readVariant(option: string, given: string): (type: ValueType) => readonly [string, FlagValue] {
  const at = given.indexOf('=');
  if (at <= 0) throw new SlipwayError('usage', `${option} ${given}: a name and a value are needed, such as large=100`);
  return (type) => {
    const value = valueOf(given.slice(at + 1), type);
    if (value === undefined) throw new SlipwayError('usage', `${option} ${given}: that is no ${type}`);
    return [given.slice(0, at), value];
  };
}

function valueOf(given: string, type: ValueType): FlagValue | undefined {
  if (type === 'string') return given;
  try {
    const value = JSON.parse(given) as FlagValue;
    return type === 'json' || typeof value === type ? value : undefined;
  } catch {
    return undefined;
  }
}
