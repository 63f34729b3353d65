import type { Ids, Instant } from '../kernel/index.ts';
import type { FlagStore, Scope, Token, TokenStore } from './ports.ts';
import { refuseUnexplained } from './reasons.ts';
import { newToken } from './token.ts';

export const SCOPES: readonly Scope[] = ['client-evaluate', 'server-evaluate', 'write', 'kill'];

export interface TokenDraft {
  readonly environment: string;
  readonly scopes: readonly Scope[];
  readonly description: string;
  readonly actor: string;
  readonly expiresAt: Instant | null;
}

const SAY_WHAT_FOR = 'Say what the token is for: --description "...", or `description` in the request.';

interface TokenDeps {
  readonly tokens: TokenStore;
  readonly flags: Pick<FlagStore, 'needsReasons'>;
}

/**
 * Makes a token. Its text is answered here and kept nowhere.
 * @throws SlipwayError `reason_missing` where changes need a reason and it does not say what it is for
 */
export async function createToken(
  { tokens, flags, ids }: TokenDeps & { readonly ids: Pick<Ids, 'token'> },
  { environment, scopes, description, actor, expiresAt }: TokenDraft,
): Promise<{ readonly token: Token; readonly text: string }> {
  await refuseUnexplained(flags, { environment, reason: description }, SAY_WHAT_FOR);
  const { id, text, secretSha256 } = newToken(ids);
  return { token: await tokens.create({ id, environment, scopes, description, createdBy: actor, expiresAt }, secretSha256), text };
}

/**
 * Ends a token, for ever; who did and why is kept with it. False: there is none, or it was revoked before.
 * @throws SlipwayError `reason_missing`
 */
export async function revokeToken(
  { tokens, flags }: TokenDeps,
  id: string,
  by: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const found = await tokens.find(id);
  if (found === null || found.token.revokedAt !== null) return false;
  await refuseUnexplained(flags, { environment: found.token.environment, reason: by.reason });
  return tokens.revoke(id, by);
}

/** One thing that happened to a token. */
export interface TokenEvent {
  readonly at: Instant;
  readonly action: 'made' | 'revoked';
  /** Null: a build did not say. */
  readonly actor: string | null;
  /** Why; of one that was made what it is for. */
  readonly reason: string;
  readonly token: Token;
}

/** Who made and who revoked tokens, newest first: no row is ever taken away, so this is all that happened. */
export function tokenEvents(tokens: readonly Token[]): readonly TokenEvent[] {
  return tokens
    .flatMap((token): readonly TokenEvent[] => {
      const { createdAt, createdBy, description, revokedAt, revokedBy, revokeReason } = token;
      const made = { at: createdAt, action: 'made', actor: createdBy, reason: description, token } as const;
      if (revokedAt === null) return [made];
      return [{ at: revokedAt, action: 'revoked', actor: revokedBy, reason: revokeReason ?? '', token }, made];
    })
    .toSorted((a, b) => b.at - a.at);
}
