import { Agent, request } from 'undici';
import type { Clock } from '../../kernel/index.ts';

/** What users saw in one phase of the demo. */
export interface Seen {
  readonly reads: number;
  readonly writes: number;
  readonly failed: number;
  /** Orders the shop confirmed. */
  readonly orders: number;
  readonly slowestMs: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** Steady traffic as users would make it, until stopped. */
export interface Trickle {
  /** What was seen since the last call. */
  take(): Seen;
  stop(): Promise<void>;
}

const EVERY_MS = 50;
const TIMEOUT_MS = 45_000;

/** Reads a product every 50 ms and orders one every 200 ms, whatever the answers. */
export function startTrickle(url: string, clock: Clock): Trickle {
  const stopped = new AbortController();
  const agent = new Agent({ connections: 64 });
  let seen = blank();
  const open = new Set<Promise<void>>();
  const ask = async (write: boolean): Promise<void> => {
    const startedAt = clock.monotonic();
    const problem = await once(agent, url, write);
    const ms = Math.round(clock.monotonic() - startedAt);
    const failures = problem === null ? seen.failures : { ...seen.failures, [problem]: (seen.failures[problem] ?? 0) + 1 };
    seen = {
      reads: seen.reads + (write ? 0 : 1),
      writes: seen.writes + (write ? 1 : 0),
      orders: seen.orders + (write && problem === null ? 1 : 0),
      failed: seen.failed + (problem === null ? 0 : 1),
      slowestMs: Math.max(seen.slowestMs, ms),
      failures,
    };
  };
  const loop = async (): Promise<void> => {
    for (let turn = 0; !stopped.signal.aborted; turn++) {
      const asked = ask(turn % 4 === 3);
      open.add(asked);
      void asked.finally(() => open.delete(asked));
      await clock.sleep(EVERY_MS, stopped.signal);
    }
  };
  const done = loop();
  return {
    take: () => {
      const taken = seen;
      seen = blank();
      return taken;
    },
    stop: async () => {
      stopped.abort();
      await done;
      await Promise.all(open);
      await agent.close();
    },
  };
}

async function once(agent: Agent, url: string, write: boolean): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const options = { dispatcher: agent, signal, headers: { 'content-type': 'application/json' } };
    const order = JSON.stringify({ productId: 1, quantity: 1, customer: 'A visitor' });
    const response = await (write
      ? request(`${url}/orders`, { ...options, method: 'POST', body: order })
      : request(`${url}/products`, options));
    await response.body.dump();
    return response.statusCode < 400 ? null : `${write ? 'write' : 'read'} answered ${response.statusCode}`;
  } catch (error) {
    return `${write ? 'write' : 'read'}: ${error instanceof Error ? error.name : String(error)}`;
  }
}

function blank(): Seen {
  return { reads: 0, writes: 0, failed: 0, orders: 0, slowestMs: 0, failures: {} };
}
