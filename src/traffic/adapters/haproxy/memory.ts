/** A change a second for half an hour: longer than any request goes on. */
const REMEMBERED = 2_000;

/** What a name stands for that HAProxy says later. */
export interface Memory<K, T> {
  keep(key: K, value: T): void;
  get(key: K): T | undefined;
}

/** Keeps what was told last. */
export function createMemory<K, T>(size = REMEMBERED): Memory<K, T> {
  const known = new Map<K, T>();
  return {
    keep: (key, value) => {
      known.delete(key);
      known.set(key, value);
      const [oldest] = known.keys();
      if (known.size > size && oldest !== undefined) known.delete(oldest);
    },
    get: (key) => known.get(key),
  };
}
