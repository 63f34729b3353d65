/** A change a second for half an hour: longer than any request goes on. */
const REMEMBERED = 2_000;

/** What a number in a log line stands for. */
export interface Memory<T> {
  keep(key: number, value: T): void;
  get(key: number): T | undefined;
}

/** Keeps the newest; keys only grow. */
export function createMemory<T>(size = REMEMBERED): Memory<T> {
  const known = new Map<number, T>();
  return {
    keep: (key, value) => {
      known.set(key, value);
      const [oldest] = known.keys();
      if (known.size > size && oldest !== undefined) known.delete(oldest);
    },
    get: (key) => known.get(key),
  };
}
