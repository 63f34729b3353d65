import type { ServerResponse } from 'node:http';

/**
 * Memory of answers that were sent, used again for others: an answer of a thousand flags is 75 KB, and made anew for each they would grow the process by
 * all that the collector has not come to yet.
 */
export interface AnswerMemory {
  /** Bytes of whatever content. They belong to this response until the system has all of them; never keep them beyond it. */
  take(bytes: number, response: ServerResponse): Buffer<ArrayBuffer>;
}

const SMALLEST = 16 * 1024;
const LARGEST = 1024 * 1024;
/** Of one size. More are only in use at once where many clients read slowly. */
const MOST_FREE = 8;

export function createAnswerMemory(): AnswerMemory {
  /** By size, a power of two. */
  const free = new Map<number, Buffer<ArrayBuffer>[]>();
  return {
    take: (bytes, response) => {
      if (bytes < SMALLEST || bytes > LARGEST) return Buffer.allocUnsafe(bytes);
      const size = 2 ** Math.ceil(Math.log2(bytes));
      const same = free.get(size) ?? [];
      free.set(size, same);
      const memory = same.pop() ?? Buffer.allocUnsafeSlow(size);
      // Not at `close`: where a client went away in the middle of it, the system may still be at it.
      response.once('finish', () => {
        if (same.length < MOST_FREE) same.push(memory);
      });
      return memory.subarray(0, bytes);
    },
  };
}
