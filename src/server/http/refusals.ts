import type { Context } from 'hono';
import type { Token } from '../../flags/index.ts';
import type { Clock, Duration, Log } from '../../kernel/index.ts';
import type { AddressOf } from './address.ts';
import type { ServeEnv } from './mount.ts';

/** What is wrong with a client, with the status that it is answered, in the words of the log. */
const WHY = {
  'no-token': [401, 'it brings no token'],
  malformed: [401, 'what it brings is no token'],
  unknown: [401, 'there is no such token'],
  secret: [401, 'its token has another secret'],
  revoked: [401, 'its token is revoked'],
  expired: [401, 'its token has expired'],
  stream: [401, 'the address of its event stream is too old, or made up'],
  scope: [403, 'its token may not do this'],
  environment: [403, 'its token is of another environment'],
  'too-often': [429, 'its token is used too often'],
  'too-many-wrong': [429, 'too many wrong tokens come from there'],
} as const satisfies Readonly<Record<string, readonly [status: number, words: string]>>;

export interface Refusal {
  readonly why: keyof typeof WHY;
  /** Null: nobody knows whose it is. A made-up id would be a name that anybody gives himself. */
  readonly token: Pick<Token, 'id' | 'description' | 'environment'> | null;
  /** What else somebody wants to know, of the first that is told. */
  readonly more?: Readonly<Record<string, string>>;
}

/** Tells the log of clients that are refused, so that it says so, and is not full of it. */
export interface Refusals {
  /** Each token, reason and address is told at once, and from then on counted. */
  note(context: Pick<Context<ServeEnv>, 'env'>, refusal: Refusal): void;
  /** Tells what was counted; whoever was not refused since is told at once the next time. */
  flush(): void;
  close(): void;
}

const FLUSH_MS = 60_000;
/** Lines within that time, of who has a token and of others apart: made-up ones must not hide those. The rest is counted only. */
const MOST_LINES = 50;
/** An id is no secret: whoever names one need not have the token. */
const ANYBODYS: ReadonlySet<Refusal['why']> = new Set(['secret', 'too-many-wrong']);

interface Counted extends Pick<Refusal, 'why' | 'token'> {
  readonly address: string;
  /** Not told yet. */
  count: number;
  toldAt: Duration;
}

interface Parts {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  readonly addressOf: AddressOf;
}

export function startRefusals({ clock, log, addressOf }: Parts): Refusals {
  const named = { ours: new Map<string, Counted>(), others: new Map<string, Counted>() };
  let unnamed = new Map<Refusal['why'], number>();
  let unnamedSince: Duration = 0;
  const tell = ({ why, token, address }: Counted, counted: object): void => {
    const [status, words] = WHY[why];
    const whose = token === null ? {} : { token: token.id, description: token.description, environment: token.environment };
    log('warn', `a client is refused: ${words}`, { status, reason: why, ...whose, address, ...counted });
  };
  const seconds = (since: Duration): number => Math.round((clock.monotonic() - since) / 1_000);
  const flush = (): void => {
    for (const all of [named.ours, named.others])
      for (const [key, one] of all) {
        if (one.count === 0) all.delete(key);
        else tell(one, { count: one.count, seconds: seconds(one.toldAt) });
        Object.assign(one, { count: 0, toldAt: clock.monotonic() });
      }
    if (unnamed.size > 0)
      log('warn', 'more clients are refused than are named', { ...Object.fromEntries(unnamed), seconds: seconds(unnamedSince) });
    unnamed = new Map();
  };
  const timer = setInterval(flush, FLUSH_MS);
  timer.unref();
  return {
    note: (context, { why, token, more }) => {
      const address = addressOf(context);
      const all = token === null || ANYBODYS.has(why) ? named.others : named.ours;
      const key = JSON.stringify([why, token?.id, address]);
      const known = all.get(key);
      if (known !== undefined) return void (known.count += 1);
      if (all.size < MOST_LINES) {
        const one = { why, token, address, count: 0, toldAt: clock.monotonic() };
        all.set(key, one);
        return tell(one, { ...more, count: 1 });
      }
      if (unnamed.size === 0) unnamedSince = clock.monotonic();
      unnamed.set(why, (unnamed.get(why) ?? 0) + 1);
    },
    flush,
    close: () => {
      clearInterval(timer);
      flush();
    },
  };
}
