/**
 * murmur3_x86_32 (Austin Appleby, public domain, seed 0) over UTF-8, with the state after a salt kept, so that each evaluation
 * hashes the key only. Integers only: the same in every language. A lone surrogate counts as U+FFFD, as TextEncoder has it.
 */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/** The hash after a prefix: its full blocks are mixed in, `tail` holds the bytes (`length % 4` of them) that fill no block. */
export interface HashPrefix {
  readonly hash: number;
  readonly tail: number;
  readonly length: number;
}

const EMPTY: HashPrefix = { hash: 0, tail: 0, length: 0 };

function scramble(block: number): number {
  const mixed = Math.imul(block, C1);
  return Math.imul((mixed << 15) | (mixed >>> 17), C2);
}

function mix(hash: number, block: number): number {
  const mixed = hash ^ scramble(block);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(state: number, tail: number, length: number): number {
  let hash = state ^ scramble(tail) ^ length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Bytes of a code point in UTF-8, the first one lowest. */
function utf8(point: number): number {
  if (point < 0x80) return point;
  const last = 0x80 | (point & 63);
  if (point < 0x800) return 0xc0 | (point >> 6) | (last << 8);
  const third = 0x80 | ((point >> 6) & 63);
  if (point < 0x10000) return 0xe0 | (point >> 12) | (third << 8) | (last << 16);
  return 0xf0 | (point >> 18) | ((0x80 | ((point >> 12) & 63)) << 8) | (third << 16) | (last << 24);
}

function utf8Length(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

const isLoneSurrogate = (point: number): boolean => point >= 0xd800 && point <= 0xdfff;

/** The hash of a prefix, to go on from with {@link hashAfter}. */
export function hashPrefix(text: string): HashPrefix {
  return extend(EMPTY, text);
}

function extend(prefix: HashPrefix, text: string): HashPrefix {
  let { hash, tail, length } = prefix;
  for (const character of text) {
    const read = character.codePointAt(0) ?? 0;
    const point = isLoneSurrogate(read) ? 0xfffd : read;
    const bytes = utf8(point);
    for (let byte = 0; byte < utf8Length(point); byte++) {
      tail |= ((bytes >>> (byte * 8)) & 255) << ((length & 3) * 8);
      length++;
      if ((length & 3) === 0) {
        hash = mix(hash, tail);
        tail = 0;
      }
    }
  }
  return { hash, tail, length };
}

/** The hash, an unsigned 32-bit integer, of the prefix and the text after it. Allocates nothing for ASCII. */
export function hashAfter(prefix: HashPrefix, text: string): number {
  const shift = (prefix.length & 3) * 8;
  const whole = text.length & ~3;
  let { hash, tail } = prefix;
  let at = 0;
  for (; at < whole; at += 4) {
    const a = text.charCodeAt(at);
    const b = text.charCodeAt(at + 1);
    const c = text.charCodeAt(at + 2);
    const d = text.charCodeAt(at + 3);
    if ((a | b | c | d) > 127) return hashAnyAfter(prefix, text);
    const word = a | (b << 8) | (c << 16) | (d << 24);
    hash = mix(hash, tail | (word << shift));
    tail = shift === 0 ? 0 : word >>> (32 - shift);
  }
  let length = prefix.length + at;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 127) return hashAnyAfter(prefix, text);
    tail |= code << ((length & 3) * 8);
    length++;
    if ((length & 3) === 0) {
      hash = mix(hash, tail);
      tail = 0;
    }
  }
  return finish(hash, tail, length);
}

/** For text that is not ASCII, which is rare enough to allocate a little. */
function hashAnyAfter(prefix: HashPrefix, text: string): number {
  const { hash, tail, length } = extend(prefix, text);
  return finish(hash, tail, length);
}

/** The hash of a whole text: an unsigned 32-bit integer. */
export function murmur3(text: string): number {
  return hashAfter(EMPTY, text);
}
