import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Instant } from '../../../kernel/index.ts';

/**
 * A browser's EventSource cannot send headers, so its right is in the URL: `TOKEN-ID.EPOCH.SIGNATURE`, signed with the digest of the
 * token's secret. So every server process can check it, it ends with the token it came from, and nobody can make anything else of it.
 */
export interface StreamTokens {
  /** The same for half an hour, so that a client that asks again keeps its stream. */
  make(key: SigningKey, now: Instant): string;
  /** The id of the token it came from, and how to check it with that token's digest; null for text that is none, or too old. */
  read(text: string, now: Instant): { readonly id: string; readonly isFrom: (key: SigningKey) => boolean } | null;
  /** Names the half hour; a client that shows an older one than the last needs a new stream. */
  epoch(now: Instant): number;
}

interface SigningKey {
  readonly id: string;
  readonly secretSha256: string;
}

const EPOCH_MS = 30 * 60_000;
const FORM = /^([0-9a-f]{16})\.(\d{1,12})\.([A-Za-z0-9_-]{43})$/;

/** Tokens whose text is remembered: it is in every bulk answer, and signing costs as much as the rest of a small one. */
const MOST_MADE = 1_000;

export const streamTokens: StreamTokens = createStreamTokens();

function createStreamTokens(): StreamTokens {
  const made = new Map<string, { readonly epoch: number; readonly secretSha256: string; readonly text: string }>();
  return {
    make: (key, now) => {
      const epoch = epochOf(now);
      const known = made.get(key.id);
      if (known?.epoch === epoch && known.secretSha256 === key.secretSha256) return known.text;
      const text = `${key.id}.${epoch}.${signatureOf(key, epoch).toString('base64url')}`;
      if (made.size >= MOST_MADE) made.clear();
      made.set(key.id, { epoch, secretSha256: key.secretSha256, text });
      return text;
    },
    read: (text, now) => {
      const [, id, epochText, signature] = FORM.exec(text) ?? [];
      if (id === undefined || signature === undefined) return null;
      const epoch = Number(epochText);
      // At least half an hour, at most one. A clock beside this one may be ahead.
      if (epoch < epochOf(now) - 1 || epoch > epochOf(now) + 1) return null;
      const given = Buffer.from(signature, 'base64url');
      return { id, isFrom: (key) => timingSafeEqual(given, signatureOf(key, epoch)) };
    },
    epoch: epochOf,
  };
}

function epochOf(now: Instant): number {
  return Math.floor(now / EPOCH_MS);
}

function signatureOf({ id, secretSha256 }: SigningKey, epoch: number): Buffer {
  return createHmac('sha256', Buffer.from(secretSha256, 'hex')).update(`slipway-ofrep-stream-v1\n${id}\n${epoch}`).digest();
}
