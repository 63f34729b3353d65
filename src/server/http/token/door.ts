import type { Context, MiddlewareHandler } from 'hono';
import { isSecret, readToken, type Scope, type Token, type TokenStore } from '../../../flags/index.ts';
import { SlipwayError, type Clock, type Duration, type Log } from '../../../kernel/index.ts';
import { addressOf } from '../address.ts';
import { Later } from '../later.ts';
import type { ServeEnv } from '../mount.ts';
import { createRate, type RateOptions } from '../rate.ts';
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
  refuse(): never;
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

/** Who may come in, and how often. */
export function createTokenDoor({ tokens, clock, log, rate }: TokenDoorOptions): TokenDoor {
  const known = createKnownTokens(tokens, clock, log);
  const takings = createTakings(rate, clock);
  const unknown = createRate(UNKNOWN, clock);
  const used = keepUsed(tokens, log);

  const refuse = (): never => {
    throw new SlipwayError('token_refused', 'The token is missing, not known, revoked or expired');
  };

  /** It is wrong: who brings many is told so less often. */
  const refuseWrong = (context: Context<ServeEnv>): never => {
    const wait = unknown.take(addressOf(context));
    if (wait > 0) throw new Later('too_many_requests', 'Too many requests with a wrong token came from there', wait);
    return refuse();
  };

  const identify = async (context: Context<ServeEnv>): Promise<Token> => {
    const given = tokenOf(context);
    const parts = given === null ? null : readToken(given);
    if (parts === null) return refuse();
    const found = known.fresh(parts.id) ?? (await known.find(parts.id));
    // Whether there is such a token must not show in the time: the digest is compared in any case.
    const same = isSecret(parts.secret, found?.secretSha256 ?? '0'.repeat(64));
    if (found === null || !same || !isGood(found.token, clock.now())) return refuseWrong(context);
    return found.token;
  };

  const valid = async (id: string): Promise<Holder | null> => {
    const found = await known.find(id);
    return found !== null && isGood(found.token, clock.now()) ? { ...found.token, secretSha256: found.secretSha256 } : null;
  };

  return {
    allow:
      (...scopes) =>
      async (context, next) => {
        const token = await identify(context);
        if (!scopes.some((scope) => token.scopes.includes(scope))) {
          throw new SlipwayError('token_scope', `The token ${token.id} may not do this: it has ${token.scopes.join(', ')}`, {
            hint: `Use a token with ${scopes.join(' or ')}.`,
          });
        }
        const wait = takings.take(token, scopes);
        if (wait > 0) throw new Later('too_many_requests', `The token ${token.id} is used too often`, wait);
        used.add(token.id);
        context.set('token', token);
        await next();
      },
    valid,
    brought: async (id, context) => (await valid(id)) ?? refuseWrong(context),
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

function isGood({ revokedAt, expiresAt }: Token, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt);
}
