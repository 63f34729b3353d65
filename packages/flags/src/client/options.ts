import type { FlagSet } from '../core/definition.ts';
import type { Evaluation } from '../core/evaluator.ts';
import { keyBytes } from '../core/stream/wire.ts';
import type { Timings } from './feed.ts';
import type { Applied } from './intake.ts';

/** How a client is made. */
export interface ClientOptions {
  /** Of `slipway serve`, for example `https://flags.internal`. */
  readonly url: string;
  /** With the scope `server-evaluate`. */
  readonly token: string;
  /** Flags of any other environment are refused. Left out: the first one seen, which is the token's. */
  readonly environment?: string;
  /** Keys that may sign, as `slipway serve` prints them; more than one while they are changed. Left out: the first one seen is trusted. */
  readonly keys?: readonly string[];
  /** Flags to begin with when neither the server nor a last-good file has any; the payload of `GET /flags/v1/snapshot`, or one that you wrote. */
  readonly bootstrap?: FlagSet;
  /** `ready` resolves within this, whatever happens. Default 2000. */
  readonly initTimeoutMs?: number;
  /** Nothing heard for so long makes the client STALE. Default 45000. */
  readonly staleAfterMs?: number;
  /** Defaults: 45000 and 60000. */
  readonly timings?: Partial<Timings>;
  /** False: nobody is told what was served. */
  readonly telemetry?: boolean;
  /** Called after every evaluation, for traces; see `featureFlagAttributes`. What it throws is swallowed. */
  readonly onEvaluation?: (evaluation: Evaluation, targetingKey: string | undefined) => void;
  /** Default: warnings and errors go to the console. */
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

/** What was kept of an earlier life. */
export interface Saved {
  /** A snapshot and the deltas after it. */
  readonly envelopes: readonly string[];
  /** Those that were trusted. */
  readonly keys: readonly string[];
  /** Milliseconds since 1970: when it was last known that nothing is newer. */
  readonly heardAt: number;
}

/** Where the last good flags are kept over a restart. */
export interface LastGood {
  /** Null when there is nothing. @throws Error when what there is cannot be used */
  load(): Promise<Saved | null>;
  /** Resolves when it is kept. @throws Error when it could not be */
  applied(what: Applied, keys: readonly string[]): Promise<void>;
  /** So many deltas are kept that a new snapshot is due. */
  isLong(): boolean;
  /** It was known at this time that nothing is newer. */
  heard(at: number): Promise<void>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

/** Options with all defaults filled in. */
export interface Checked extends Required<Pick<ClientOptions, 'token' | 'keys' | 'initTimeoutMs' | 'staleAfterMs' | 'log'>> {
  readonly url: string;
  readonly timings: Timings;
  readonly environment: string | null;
  readonly bootstrap: FlagSet | null;
  readonly onEvaluation: Exclude<ClientOptions['onEvaluation'], undefined> | null;
}

/** @throws TypeError that says what is wrong: at the start of a program, where somebody looks */
export function checkOptions(options: ClientOptions): Checked {
  const { initTimeoutMs = 2_000, staleAfterMs = 45_000, keys = [], log = toConsole } = options;
  const timings = { readTimeoutMs: 45_000, pollMs: 60_000, ...options.timings };
  if (typeof options.token !== 'string' || options.token === '') throw new TypeError('token is missing');
  refuseTimes({ initTimeoutMs, staleAfterMs, ...timings });
  refuseKeys(keys);
  const { environment = null, bootstrap = null, onEvaluation = null } = options;
  return {
    url: urlOf(options.url),
    token: options.token,
    environment,
    keys,
    bootstrap,
    initTimeoutMs,
    staleAfterMs,
    timings,
    onEvaluation,
    log,
  };
}

function refuseTimes(times: Readonly<Record<string, number>>): void {
  for (const [name, ms] of Object.entries(times)) {
    // Timers of JavaScript hold 31 bits.
    if (!(ms >= 0 && ms < 2 ** 31)) throw new TypeError(`${name} is no number of milliseconds`);
  }
}

function refuseKeys(keys: readonly string[]): void {
  const wrong = keys.find((key) => keyBytes(key) === null);
  if (wrong === undefined) return;
  throw new TypeError(`"${wrong}" is no key: one is "ed25519:" and the base64 of 32 bytes, as \`slipway serve\` prints it`);
}

function urlOf(text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new TypeError(`url: "${text}" is no http or https address`);
  return text.replace(/\/+$/, '');
}

const toConsole: Checked['log'] = (level, message) => {
  if (level === 'info') return;
  globalThis.console[level](`slipway flags: ${message}`);
};
