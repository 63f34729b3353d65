import type { Ids, Instant } from '../kernel/index.ts';
import type { Scope, Token, TokenStore } from './ports.ts';
import { newToken } from './token.ts';

export const SCOPES: readonly Scope[] = ['client-evaluate', 'server-evaluate', 'write', 'kill'];

export interface TokenDraft {
  readonly environment: string;
  readonly scopes: readonly Scope[];
  readonly description: string;
  readonly actor: string;
  readonly expiresAt: Instant | null;
}

/** Makes a token. Its text is answered here and kept nowhere. */
export async function createToken(
  { tokens, ids }: { readonly tokens: TokenStore; readonly ids: Pick<Ids, 'token'> },
  { environment, scopes, description, actor, expiresAt }: TokenDraft,
): Promise<{ readonly token: Token; readonly text: string }> {
  const { id, text, secretSha256 } = newToken(ids);
  return { token: await tokens.create({ id, environment, scopes, description, createdBy: actor, expiresAt }, secretSha256), text };
}
