import type { Instant } from '../kernel/index.ts';

export type Scope = 'client-evaluate' | 'server-evaluate' | 'write' | 'kill';

export interface Token {
  readonly id: string;
  readonly environment: string;
  readonly scopes: readonly Scope[];
  readonly description: string;
  readonly createdBy: string;
  readonly createdAt: Instant;
  readonly expiresAt: Instant | null;
  readonly revokedAt: Instant | null;
  /** Null: it is not revoked, or a build did not say. */
  readonly revokedBy: string | null;
  /** Why; empty where nobody said. */
  readonly revokeReason: string | null;
  readonly lastUsedAt: Instant | null;
}

/** Tokens in the store: of the secret only its SHA-256. */
export interface TokenStore {
  create(
    token: Pick<Token, 'id' | 'environment' | 'scopes' | 'description' | 'createdBy' | 'expiresAt'>,
    secretSha256: string,
  ): Promise<Token>;
  list(environment: string | null): Promise<readonly Token[]>;
  /** The token, revoked or not, with the digest of its secret; null when there never was one. */
  find(id: string): Promise<{ readonly token: Token; readonly secretSha256: string } | null>;
  /** The same for many at once, by their id; those that there never were are left out. */
  findAll(ids: readonly string[]): Promise<ReadonlyMap<string, { readonly token: Token; readonly secretSha256: string }>>;
  /** False when there is none, or it was revoked before. */
  revoke(id: string, by: { readonly actor: string; readonly reason: string }): Promise<boolean>;
  /** Kept to the minute. */
  used(ids: readonly string[]): Promise<void>;
}
