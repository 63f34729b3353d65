import type { Context, MiddlewareHandler } from 'hono';
import { isSecret, readToken, type Scope, type Token, type TokenStore } from '../../../flags/index.ts';
import { SlipwayError, type Clock, type Duration, type Instant, type Log } from '../../../kernel/index.ts';
import type { AddressOf } from '../address.ts';
import { Later } from '../later.ts';
import type { ServeEnv } from '../mount.ts';
import { createRate, type RateOptions } from '../rate.ts';
import type { Refusal, Refusals } from '../refusals.ts';
import { createKnownTokens } from './known.ts';

const USED_EVERY_MS = 60_000;
/**
 * Of one address, wrong tokens: nobody finds a secret by trying. Who brings a right one is never refused for what others bring: many
 * come from the address of one proxy.
 */
const UNKNOWN: RateOptions = { perSecond: 10, burst: 50 };
/** Servers of a whole fleet have one token, come back together, and answer a kill together: they may ask so many times as often. */
const FLEET = 50;

export interface TokenDoorOptions {
  readonly tokens: TokenStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly addressOf: AddressOf;
  readonly refusals: Pick<Refusals, 'note'>;
  /** For each token, in this process. */
  readonly rate: RateOptions;
}

export interface TokenDoor {
  allow(...scopes: readonly Scope[]): MiddlewareHandler<ServeEnv>;
  /**
   * Whose token it is, when it is good now: there, not revoked, not expired. For a stream that lasts longer than a request.
   * @throws SlipwayError `store_unreachable`
   */
  valid(id: string): Promise<Holder | null>;
  /**
   * The same for a token's id that a client brought in another way, and may have made up.
   * @throws SlipwayError `token_refused`, or `too_many_requests` where many wrong ones came from
   */
  brought(id: string, context: Context<ServeEnv>): Promise<Holder>;
  /** So many clients with this token were told to evaluate anew: each may ask once more than its rate. */
  invite(id: string, clients: number): void;
  /** @throws SlipwayError `token_refused` always */
  refuse(context: Context<ServeEnv>, why: Refusal['why']): never;
  close(): Promise<void>;
}

/** A token with the digest of its secret. */
export type Holder = Token & { readonly secretSha256: string };

/** The requests that a token has, for each kind of them. */
interface Takings {
  /** Takes one; 0 when there was one, else how long until there is. */
  take(token: Token, scopes: readonly Scope[]): Duration;
  invite(id: string, clients: number): void;
}

function createTakings(rate: RateOptions, clock: Clock): Takings {
  const rates = createRate(rate, clock);
  const fleets = createRate({ perSecond: FLEET * rate.perSecond, burst: FLEET * rate.perSecond }, clock);
  const kindOf = (scopes: readonly Scope[]): string => (scopes.includes('client-evaluate') ? 'evaluate' : (scopes[0] ?? ''));
  return {
    take: ({ id }, scopes) => {
      const isFleet = scopes.every((scope) => scope === 'server-evaluate');
      return (isFleet ? fleets : rates).take(`${id} ${kindOf(scopes)}`);
    },
    invite: (id, clients) => rates.grant(`${id} ${kindOf(['client-evaluate'])}`, clients),
  };
}

/** Says no, to the client and to the log. */
function createRefusing({ clock, addressOf, refusals }: Pick<TokenDoorOptions, 'clock' | 'addressOf' | 'refusals'>) {
  const unknown = createRate(UNKNOWN, clock);
  const refuse = (context: Context<ServeEnv>, why: Refusal['why'], token: Token | null = null): never => {
    refusals.note(context, { why, token });
    throw new SlipwayError('token_refused', 'The token is missing, not known, revoked or expired');
  };
  return {
    refuse,
    /** It is wrong: who brings many is told so less often. */
    refuseWrong: (context: Context<ServeEnv>, why: Refusal['why'], token: Token | null): never => {
      const wait = unknown.take(addressOf(context));
      if (wait <= 0) return refuse(context, why, token);
      refusals.note(context, { why: 'too-many-wrong', token });
      throw new Later('too_many_requests', 'Too many requests with a wrong token came from there', wait);
    },
    refuseOften: (context: Context<ServeEnv>, token: Token, wait: Duration): never => {
      refusals.note(context, { why: 'too-often', token });
      throw new Later('too_many_requests', `The token ${token.id} is used too often`, wait);
    },
    refuseScope: (context: Context<ServeEnv>, token: Token, scopes: readonly Scope[]): never => {
      const needs = scopes.join(' or ');
      refusals.note(context, { why: 'scope', token, more: { needs } });
      const message = `The token ${token.id} may not do this: it has ${token.scopes.join(', ')}`;
      throw new SlipwayError('token_scope', message, { hint: `Use a token with ${needs}.` });
    },
  };
}

/** Who may come in, and how often. */
export function createTokenDoor({ tokens, clock, log, rate, addressOf, refusals }: TokenDoorOptions): TokenDoor {
  const known = createKnownTokens(tokens, clock, log);
  const takings = createTakings(rate, clock);
  const used = keepUsed(tokens, log);

  const { refuse, refuseWrong, refuseOften, refuseScope } = createRefusing({ clock, addressOf, refusals });

  const identify = async (context: Context<ServeEnv>): Promise<Token> => {
    const given = tokenOf(context);
    if (given === null) return refuse(context, 'no-token');
    const parts = readToken(given);
    if (parts === null) return refuse(context, 'malformed');
    const found = known.fresh(parts.id) ?? (await known.find(parts.id));
    // Whether there is such a token must not show in the time: the digest is compared in any case.
    const same = isSecret(parts.secret, found?.secretSha256 ?? '0'.repeat(64));
    if (found === null) return refuseWrong(context, 'unknown', null);
    const wrong = same ? wrongWith(found.token, clock.now()) : 'secret';
    return wrong === null ? found.token : refuseWrong(context, wrong, found.token);
  };

  const valid = async (id: string): Promise<Holder | null> => {
    const found = await known.find(id);
    return found !== null && wrongWith(found.token, clock.now()) === null ? holderOf(found) : null;
  };

  return {
    allow:
      (...scopes) =>
      async (context, next) => {
        const token = await identify(context);
        if (!scopes.some((scope) => token.scopes.includes(scope))) refuseScope(context, token, scopes);
        const wait = takings.take(token, scopes);
        if (wait > 0) refuseOften(context, token, wait);
        used.add(token.id);
        context.set('token', token);
        await next();
      },
    valid,
    brought: async (id, context) => {
      const found = await known.find(id);
      const wrong = found === null ? 'unknown' : wrongWith(found.token, clock.now());
      if (found === null || wrong !== null) return refuseWrong(context, wrong ?? 'unknown', found?.token ?? null);
      return holderOf(found);
    },
    invite: takings.invite,
    refuse,
    close: used.close,
  };
}

/** Tells the store once a minute which tokens were used. */
function keepUsed(tokens: Pick<TokenStore, 'used'>, log: Log): { readonly add: (id: string) => void; readonly close: () => Promise<void> } {
  const used = new Set<string>();
  const flush = async (): Promise<void> => {
    const ids = [...used];
    used.clear();
    if (ids.length === 0) return;
    await tokens.used(ids).catch(() => log('warn', 'when tokens were used could not be kept', { tokens: ids.length }));
  };
  const timer = setInterval(() => void flush(), USED_EVERY_MS);
  timer.unref();
  return {
    add: (id) => void used.add(id),
    close: async () => {
      clearInterval(timer);
      await flush();
    },
  };
}

function tokenOf(context: Context<ServeEnv>): string | null {
  const bearer = /^bearer +(\S+) *$/i.exec(context.req.header('authorization') ?? '')?.[1];
  // Authorization of another kind is for a proxy before us.
  return bearer ?? context.req.header('x-api-key')?.trim() ?? null;
}

function holderOf({ token, secretSha256 }: { readonly token: Token; readonly secretSha256: string }): Holder {
  return { ...token, secretSha256 };
}

/** Null: it is good now. */
function wrongWith({ revokedAt, expiresAt }: Token, now: Instant): 'revoked' | 'expired' | null {
  if (revokedAt !== null) return 'revoked';
  return expiresAt === null || now < expiresAt ? null : 'expired';
}
