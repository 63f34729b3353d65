import { canonicalJson } from '../../evidence/index.ts';
import { ERRORS, messageOf, SlipwayError, toIso } from '../../kernel/index.ts';
import {
  awaitDelivery,
  deliveryDocument,
  dependantsOf,
  killFlag,
  killOf,
  stateText,
  undoKill,
  type Asked,
  type Delivery,
  type Flag,
  type FlagChange,
  type FlagStore,
  type Kill,
} from '../../flags/index.ts';
import { deliveryText, dependantsText, elsewhereDocument, elsewhereTexts } from '../output/flags.ts';
import { environmentName, environmentOf, environmentsWith, needReason, onElsewhere, withFlag, type FlagCall } from './shared/flags.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { timeSpan } from './shared/numbers.ts';
import { text, type Call, type Handler } from './spec.ts';

const USUAL_MS = 10_000;
const MOST_MS = 3_600_000;

/** What was done, and what to say of it. */
interface Done {
  readonly change: FlagChange;
  readonly text: string;
}

interface Verb {
  readonly make: (store: FlagStore, asked: Asked, key: string) => Promise<Done>;
  /** Says what else there is to know of it, once it is done, and answers what of that is for the document. */
  readonly more: (call: Call, setting: FlagCall) => Promise<object>;
  /** Why it is refused without a reason. */
  readonly withoutReason: string;
  /** What is so, and what is asked about, when the store is away. */
  readonly undone: readonly [isSo: string, mayBe: string];
}

/** Turns a flag off for everybody, and waits until the clients have said that they have it. */
export const kill = urgently({
  make: async (store, asked, key) => {
    const change = await killFlag(store, asked, key);
    return { change, text: `${key} is off in ${change.environment}, since ${toIso(change.at)}.` };
  },
  more: async (call, setting) => ({ ...(await tellDependants(call, setting)), ...(await tellElsewhere(call, setting)) }),
  withoutReason: 'A kill needs a reason',
  undone: ['is not off', 'is off'],
});

/** Takes a kill back, likewise. */
export const unkill = urgently({
  make: async (store, asked, key) => {
    const before = await killOf(store, asked.environment, key);
    const change = await undoKill(store, asked, key);
    return { change, text: unkilledText(key, change, flagBefore(before)) };
  },
  more: () => Promise.resolve({}),
  withoutReason: 'Taking a kill back needs a reason, as the kill did',
  undone: ['is as it was', 'is still killed'],
});

/** It is off by now: what that means for other flags is worth a question, and no failure. */
async function tellDependants({ terminal }: Call, { store, environment, key }: FlagCall): Promise<object> {
  const dependants = await store.read(environment).then(
    ({ set }) => dependantsOf(set, key),
    (error: unknown) => {
      terminal.note(`note: which flags require ${key} is not known: ${messageOf(error)}`);
      return null;
    },
  );
  if (!terminal.json) for (const text of dependantsText({ environment }, dependants ?? [])) terminal.say(text);
  return { dependants };
}

/** A kill in the wrong environment looks like any other: where the flag is still on is said, and how to kill it there. */
async function tellElsewhere({ terminal }: Call, { store, environment, key }: FlagCall): Promise<object> {
  const on = await onElsewhere(store, key, environment).catch((error: unknown) => {
    terminal.note(`note: whether ${key} is on in other environments is not known: ${messageOf(error)}`);
    return null;
  });
  if (!terminal.json) for (const text of elsewhereTexts(key, on ?? [])) terminal.say(text);
  return { onElsewhere: on && elsewhereDocument(key, on) };
}

/** What users get from now on, and whether it is what they had before the kill. */
function unkilledText(key: string, { environment, writes: [write] }: FlagChange, before: Flag | null): string {
  const flag = write?.kind === 'flag' ? write.after : null;
  const head = `${key} in ${environment} is no longer killed`;
  if (flag === null || !flag.enabled) return `${head}: off, as it was before.`;
  const isSame = before !== null && canonicalJson(before) === canonicalJson(flag);
  const changed = `it was changed while it was killed, as \`slipway flag history ${key} -e ${environment}\` tells`;
  return `${head}: ${stateText(flag)}. Users get that as soon as their clients hear of it; ${isSame ? 'it is as it was before the kill' : changed}.`;
}

function flagBefore(kill: Kill | null): Flag | null {
  const [write] = kill?.first.writes ?? [];
  return write?.kind === 'flag' ? write.before : null;
}

function urgently({ make, more, withoutReason, undone }: Verb): Handler {
  return async (call) => {
    needReason(call, withoutReason);
    const within = text(call, 'within');
    const withinMs = within === undefined ? USUAL_MS : timeSpan('--within', within, MOST_MS);
    const [key = ''] = call.args;
    let isAsked = false;
    return withFlag(
      call,
      async (setting) => {
        const { store, asked } = setting;
        isAsked = true;
        const { change, text: said } = await make(store, asked, key);
        // Said before anything is waited for: from here on it is so.
        if (!call.terminal.json) call.terminal.say(said);
        return tellDelivery(call, setting, { change, more: await more(call, setting) }, withinMs);
      },
      (store) => whereItIs(call, store, key),
    ).catch((error: unknown) => {
      throw withoutStore(error, isAsked ? `Whether ${key} ${undone[1]} is not known` : `${key} ${undone[0]}`);
    });
  };
}

/** A store that is away, told as what it means for the flag: whoever kills one must not take it for off. */
function withoutStore(error: unknown, isSo: string): unknown {
  if (!(error instanceof SlipwayError) || error.code !== 'store_unreachable') return error;
  return new SlipwayError('store_unreachable', `${isSo}: servers and clients go on with what they have. ${error.message}`, {
    hint: `${error.hint} A server process that reaches the store takes it too: POST /api/v1/flags/KEY/kill (docs/flags/README.md, "The kill switch").`,
    cause: error,
  });
}

async function tellDelivery(
  call: Call,
  { app, key }: FlagCall,
  { change, more }: { readonly change: FlagChange; readonly more: object },
  withinMs: number,
): Promise<number> {
  const { terminal } = call;
  const interrupt = onInterrupt();
  try {
    const delivery = await hear(app, key, change, { withinMs, signal: interrupt.signal }).catch((error: unknown) => {
      // The change is made; what is not known of it by now must not look like a change that failed.
      terminal.note(`note: who has heard of it is not known: ${messageOf(error)}`);
      return null;
    });
    if (terminal.json) terminal.data({ ...documentOf(key, change, delivery), ...more });
    else if (delivery !== null) terminal.say(deliveryText({ environment: change.environment, key }, delivery, terminal.style));
    if (interrupt.signal.aborted) return INTERRUPTED;
    return delivery?.complete === true ? 0 : ERRORS.flag_unacknowledged.exit;
  } finally {
    interrupt.release();
  }
}

async function hear(
  { opened: { flags, telemetry }, effects: { clock } }: FlagCall['app'],
  key: string,
  change: FlagChange,
  { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
): Promise<Delivery> {
  // Killed once more, it is since the first time that nobody may serve it.
  const killed = (await killOf(flags, change.environment, key))?.first ?? null;
  return awaitDelivery({ telemetry, clock }, { ...change, killed }, withinMs, signal);
}

function documentOf(key: string, { environment, seq, at, actor, reason, writes }: FlagChange, delivery: Delivery | null): object {
  const [write] = writes;
  const enabled = write?.kind === 'flag' && write.after?.enabled === true;
  return { environment, seq, key, enabled, at: toIso(at), actor, reason, delivery: deliveryDocument(delivery) };
}

/** The environment named, else the only one that has the flag: the wrong one must not be killed by leaving it out. */
async function whereItIs(call: Call, store: FlagStore, key: string): Promise<string> {
  const named = text(call, 'env');
  if (named !== undefined) return environmentName(named);
  const [only, second, ...more] = await environmentsWith(store, key);
  if (only === undefined) return environmentOf(call);
  if (second === undefined) return only;
  throw new SlipwayError('ambiguous', `${key} is in ${[only, second, ...more].join(', ')}`, { hint: 'Say where it is meant, with --env.' });
}
