import { hash, timingSafeEqual } from 'node:crypto';
import type { Ids } from '../kernel/index.ts';

/** What is given to whoever may use a token, once, and what is kept of it. */
export interface NewToken {
  readonly id: string;
  /** `slp_ID_SECRET`. */
  readonly text: string;
  readonly secretSha256: string;
}

const TOKEN = /^slp_([0-9a-f]{16})_([0-9a-f]{64})$/;

/** A token with a secret of 256 bits. Chance being what it is, a plain SHA-256 of it is as good as a slow hash of a password. */
export function newToken(ids: Pick<Ids, 'token'>): NewToken {
  const id = ids.token().slice(0, 16);
  const secret = ids.token() + ids.token();
  return { id, text: `slp_${id}_${secret}`, secretSha256: digestOf(secret).toString('hex') };
}

/** The parts of a token's text; null for text that is none. */
export function readToken(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = TOKEN.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

/** Is it the secret with this digest? Takes as long whichever way it differs. */
export function isSecret(secret: string, secretSha256: string): boolean {
  const expected = Buffer.from(secretSha256, 'hex');
  const given = digestOf(secret);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function digestOf(secret: string): Buffer {
  return hash('sha256', secret, 'buffer');
}
