/** Calls whoever listens. What a listener throws goes to `failed`: one must not keep the others from hearing. */
export interface Emitter<E extends Record<keyof E, (value: never) => void>> {
  on<K extends keyof E>(event: K, listener: E[K]): () => void;
  emit<K extends keyof E>(event: K, value: Parameters<E[K]>[0]): void;
  has(event: keyof E): boolean;
}

export function createEmitter<E extends Record<keyof E, (value: never) => void>>(failed: (error: unknown) => void): Emitter<E> {
  const listeners = new Map<keyof E, Set<(value: never) => void>>();
  return {
    has: (event) => (listeners.get(event)?.size ?? 0) > 0,
    on: (event, listener) => {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener));
      return () => void all.delete(listener);
    },
    emit: (event, value) => {
      for (const listener of listeners.get(event) ?? []) {
        try {
          listener(value);
        } catch (error) {
          failed(error);
        }
      }
    },
  };
}
