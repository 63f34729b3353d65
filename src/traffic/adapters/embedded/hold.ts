/** A request that waits for its route to open. */
export interface Waiter {
  /** Called once, in order of arrival, when the route opens. */
  go(): void;
  /** Called once when it waited too long or the route closed. */
  refuse(): void;
}

/** The bounded queue behind mode `hold`. */
export interface HoldQueue {
  readonly size: number;
  /** False when the queue is full. The returned function forgets the waiter (its client left). */
  enter(waiter: Waiter): (() => void) | null;
  /** Lets everyone go on, first come first. */
  open(): void;
  /** Refuses everyone. */
  close(): void;
}

/** A queue of at most `limits.holdRequests`, each refused after `limits.holdMs`. */
export function createHoldQueue(limits: { readonly holdRequests: number; readonly holdMs: number }): HoldQueue {
  const waiting = new Map<Waiter, NodeJS.Timeout>();
  const leave = (waiter: Waiter): boolean => {
    clearTimeout(waiting.get(waiter));
    return waiting.delete(waiter);
  };
  const release = (act: (waiter: Waiter) => void): void => {
    for (const waiter of [...waiting.keys()]) if (leave(waiter)) act(waiter);
  };
  return {
    get size() {
      return waiting.size;
    },
    enter: (waiter) => {
      if (waiting.size >= limits.holdRequests) return null;
      const expire = (): void => {
        if (leave(waiter)) waiter.refuse();
      };
      waiting.set(waiter, setTimeout(expire, limits.holdMs));
      return () => void leave(waiter);
    },
    open: () => release((waiter) => waiter.go()),
    close: () => release((waiter) => waiter.refuse()),
  };
}
