import type { Refusal } from '../core/stream/apply.ts';
import { keyBytes, SIGNED_PREFIX, type Envelope } from '../core/stream/wire.ts';

type VerifyKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Which keys are believed. */
export interface Trust {
  /** Null when the signature is right and the key believed. */
  check(envelope: Envelope): Promise<Extract<Refusal, 'forged' | 'unknown-key' | 'malformed'> | null>;
  /** After a snapshot was taken: without pins, these are the keys believed from now on. */
  learn(keys: readonly string[]): void;
  /** Empty: whichever comes first will be. */
  keys(): readonly string[];
  readonly pinned: boolean;
}

/**
 * Verifies with WebCrypto (Ed25519: Node, Chrome 137, Firefox 129, Safari 17.4; elsewhere nothing verifies, so nothing is believed).
 * @param pins keys that may sign, and no others; none: the first that is seen is believed, and whom it names as its successors
 */
export function createTrust(pins: readonly string[], remembered: readonly string[] = []): Trust {
  const pinned = pins.length > 0;
  let known = pinned ? pins : remembered;
  const imported = new Map<string, VerifyKey>();
  const importKey = async (key: string, base64: string): Promise<VerifyKey> => {
    const found = imported.get(key) ?? (await crypto.subtle.importKey('raw', bytesOf(base64), { name: 'Ed25519' }, false, ['verify']));
    imported.set(key, found);
    return found;
  };
  return {
    pinned,
    keys: () => known,
    learn: (keys) => {
      if (!pinned) known = [...keys];
    },
    check: async ({ payload, signature, key }) => {
      if (known.length > 0 && !known.includes(key)) return 'unknown-key';
      const base64 = keyBytes(key);
      if (base64 === null) return 'malformed';
      try {
        const signed = new TextEncoder().encode(SIGNED_PREFIX + payload);
        const right = await crypto.subtle.verify({ name: 'Ed25519' }, await importKey(key, base64), bytesOf(signature), signed);
        return right ? null : 'forged';
      } catch {
        // Not base64, not a point on the curve, or a platform that cannot verify.
        return 'forged';
      } finally {
        // Only keys that may come again are worth keeping.
        if (known.length === 0) imported.clear();
      }
    },
  };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
