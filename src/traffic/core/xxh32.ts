const P1 = 0x9e3779b1;
const P2 = 0x85ebca77;
const P3 = 0xc2b2ae3d;
const P4 = 0x27d4eb2f;
const P5 = 0x165667b1;

/**
 * XXH32 with seed 0 (xxHash specification, github.com/Cyan4973/xxHash), as an unsigned 32-bit number. HAProxy has the same as its
 * converter `xxh32`. `text` has one byte per character, as Node gives header fields.
 */
export function xxh32(text: string): number {
  const size = text.length;
  let at = 0;
  let hash = P5;
  if (size >= 16) {
    const lanes: [number, number, number, number] = [P1 + P2, P2, 0, -P1];
    for (; at + 16 <= size; at += 16)
      for (const lane of [0, 1, 2, 3] as const)
        lanes[lane] = Math.imul(left(lanes[lane] + Math.imul(wordAt(text, at + 4 * lane), P2), 13), P1);
    hash = left(lanes[0], 1) + left(lanes[1], 7) + left(lanes[2], 12) + left(lanes[3], 18);
  }
  hash = (hash + size) | 0;
  for (; at + 4 <= size; at += 4) hash = Math.imul(left(hash + Math.imul(wordAt(text, at), P3), 17), P4);
  for (; at < size; at++) hash = Math.imul(left(hash + Math.imul(byteAt(text, at), P5), 11), P1);
  return avalanche(hash);
}

function avalanche(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 15), P2);
  const twice = Math.imul(once ^ (once >>> 13), P3);
  return (twice ^ (twice >>> 16)) >>> 0;
}

function left(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function byteAt(text: string, index: number): number {
  return text.charCodeAt(index) & 0xff;
}

function wordAt(text: string, index: number): number {
  return byteAt(text, index) | (byteAt(text, index + 1) << 8) | (byteAt(text, index + 2) << 16) | (byteAt(text, index + 3) << 24);
}
