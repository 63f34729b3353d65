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

const EVERY_MS = 20;
/** Customers by name; the first few of them only ever look. */
const CUSTOMERS = 100;
const ONLY_LOOK = 12;
const TIMEOUT_MS = 45_000;

/** Somebody looks at the products or, every fourth time, orders one, every 20 ms, whatever the answers. */
export function startTrickle(url: string, clock: Clock): Trickle {
  const stopped = new AbortController();
  const agent = new Agent({ connections: 64 });
  let seen = blank();
  const open = new Set<Promise<void>>();
  const ask = async (turn: number): Promise<void> => {
    const write = turn % 4 === 3;
    const startedAt = clock.monotonic();
    const problem = await once(agent, url, write, customerAt(turn, write));
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
      const asked = ask(turn);
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

/** Everybody's turn comes, in an order that has nothing to do with the one in which requests are dealt to versions. */
function customerAt(turn: number, orders: boolean): string {
  const some = (turn * 37) % CUSTOMERS;
  return `visitor ${orders ? ONLY_LOOK + ((turn >> 2) % (CUSTOMERS - ONLY_LOOK)) : some}`;
}

async function once(agent: Agent, url: string, write: boolean, customer: string): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const options = { dispatcher: agent, signal, headers: { 'content-type': 'application/json', 'x-customer': customer } };
    const order = JSON.stringify({ productId: 1, quantity: 1, customer });
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
