import type { Platform } from './platform.ts';
import { post, type Server } from './requests.ts';

/** Different flags and variants that are counted between two reports. */
const MOST = 10_000;
const MOST_IN_A_REQUEST = 1_000;
const EVERY_MS = 60_000;

/** Counts what was served, and tells the server once a minute. */
export interface Counts {
  add(flag: string, variant: string): void;
  /** Tells what is left. */
  stop(signal: AbortSignal): Promise<void>;
}

interface Count {
  readonly flag: string;
  readonly variant: string;
  count: number;
}

export function startCounts(platform: Platform, server: Server): Counts {
  let counts = new Map<string, Map<string, Count>>();
  let size = 0;
  let from = platform.now();
  let stopped = false;

  const counter = (flag: string, variant: string): Count | null => {
    const variants = counts.get(flag) ?? new Map<string, Count>();
    const known = variants.get(variant);
    if (known !== undefined) return known;
    if (size >= MOST) return null;
    const made = { flag, variant, count: 0 };
    size += 1;
    counts.set(flag, variants.set(variant, made));
    return made;
  };
  const add = (flag: string, variant: string, by: number): void => {
    const found = counter(flag, variant);
    if (found !== null) found.count += by;
  };
  const tell = async (signal: AbortSignal): Promise<void> => {
    const taken = [...counts.values()].flatMap((variants) => [...variants.values()]);
    const since = from;
    counts = new Map();
    size = 0;
    from = platform.now();
    for (let index = 0; index < taken.length; index += MOST_IN_A_REQUEST) {
      const some = taken.slice(index, index + MOST_IN_A_REQUEST);
      try {
        const body = { client: server.client, now: platform.now(), counts: some.map((one) => ({ ...one, from: since, to: from })) };
        await post(platform, server, { path: '/flags/v1/telemetry', body, signal });
      } catch {
        // Told with the next ones, as far as memory allows. What is served matters more than what is counted.
        for (const one of some) add(one.flag, one.variant, one.count);
      }
    }
  };
  const ending = new AbortController();
  let telling: Promise<void> = Promise.resolve();
  let stopTimer = (): void => undefined;
  const again = (): void => {
    if (stopped) return;
    stopTimer = platform.after(EVERY_MS * (0.9 + 0.2 * platform.random()), () => {
      telling = tell(ending.signal).then(again);
    });
  };
  again();
  return {
    add: (flag, variant) => add(flag, variant, 1),
    stop: async (signal) => {
      stopped = true;
      stopTimer();
      ending.abort();
      // What was on its way comes back, to be told with the rest.
      await telling;
      await tell(signal);
    },
  };
}
