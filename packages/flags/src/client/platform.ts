/** What the client needs of where it runs; the same names in Node, browsers and edge runtimes. */
export interface Platform {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since 1970; may jump. */
  readonly now: () => number;
  /** Never goes back; how long nothing was heard is measured with it, so that a clock set wrong makes nothing look fresh. */
  readonly monotonic: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly id: () => string;
  /** Calls back once; a process is kept alive for it only where `holds` says so. Answers how to stop it. */
  readonly after: (ms: number, call: () => void, holds?: 'holds') => () => void;
}

export const systemPlatform: Platform = {
  fetch: (url, init) => globalThis.fetch(url, init),
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  id: () => crypto.randomUUID(),
  after: (ms, call, holds) => {
    const timer: unknown = setTimeout(call, ms);
    // Node's timers are objects, a browser's are numbers.
    if (holds === undefined && typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as NodeJS.Timeout).unref();
    return () => clearTimeout(timer as NodeJS.Timeout);
  },
};

/** Resolves after `ms`, or as soon as the signal aborts. */
export function pause(platform: Platform, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = platform.after(ms, done);
    function done(): void {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}
