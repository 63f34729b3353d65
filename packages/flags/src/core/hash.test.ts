import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashAfter, hashPrefix, murmur3 } from './hash.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 40 }));

it.each([
  ['', 0],
  ['hello', 613_153_351],
  ['café', 605_818_632],
  ['Łódź', 791_561_411],
])('hashes %j over UTF-8 as Go and Java do', (text, hash) => {
  expect(murmur3(text)).toBe(hash);
});

it('goes on from a prefix as if the text was one', () => {
  fc.assert(fc.property(anyText, anyText, (salt, key) => hashAfter(hashPrefix(salt), key) === murmur3(salt + key) || joins(salt, key)));
});

/** Two halves of a surrogate pair are one character together, and U+FFFD each alone. */
function joins(salt: string, key: string): boolean {
  return /[\uD800-\uDBFF]$/.test(salt) && /^[\uDC00-\uDFFF]/.test(key);
}

it('hashes the bytes that TextEncoder makes, lone surrogates too', () => {
  const text = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)), maxLength: 40 });
  fc.assert(fc.property(text, (some) => murmur3(some) === murmur3Bytes(new TextEncoder().encode(some))));
});

/** Over bytes, one block after the other, as the reference implementation is written. */
function murmur3Bytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scramble = (block: number): number => {
    const first = Math.imul(block, 0xcc9e2d51);
    return Math.imul((first << 15) | (first >>> 17), 0x1b873593);
  };
  let hash = 0;
  const blocks = bytes.length >> 2;
  for (let block = 0; block < blocks; block++) {
    hash ^= scramble(view.getUint32(block * 4, true));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let rest = 0;
  for (let at = bytes.length - 1; at >= blocks * 4; at--) rest = (rest << 8) | (bytes[at] ?? 0);
  hash ^= scramble(rest) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
