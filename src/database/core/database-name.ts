/** PostgreSQL silently cuts identifiers after this many bytes, so two long names could become one. */
const LONGEST_NAME = 63;

/** What a database made by Slipway beside the user's own is for. */
export type SiblingPurpose = 'backup' | 'verify' | 'restore' | 'failed';

/**
 * The name of a database that belongs to `source` and one key: the same key gives the same name after a crash.
 * @param digest hex sha256 over source and key; ten characters keep names apart and readable
 * @param fence of the claim that works on it, for what two workers must not share; {@link siblingPattern} finds all of a key
 */
export function siblingName(source: string, purpose: SiblingPurpose, digest: string, fence?: number): string {
  const suffix = `_${purpose}_${digest.slice(0, 10)}${fence === undefined ? '' : `_${fence}`}`;
  return cutToBytes(source, LONGEST_NAME - suffix.length) + suffix;
}

/** Regular expression for the names of one purpose and key, whatever their fence. */
export function siblingPattern(purpose: SiblingPurpose, digest: string): string {
  return `_${purpose}_${digest.slice(0, 10)}(_[0-9]+)?$`;
}

/** The longest prefix of whole characters that takes at most `limit` bytes of UTF-8. */
function cutToBytes(text: string, limit: number): string {
  let out = '';
  let bytes = 0;
  for (const character of text) {
    bytes += utf8Length(character.codePointAt(0) ?? 0);
    if (bytes > limit) return out;
    out += character;
  }
  return out;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
