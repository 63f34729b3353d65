import { Agent, request } from 'undici';
import type { Clock } from '../../kernel/index.ts';

/** What users saw in one phase of a demo. */
export interface Seen {
  readonly reads: number;
  readonly writes: number;
  readonly failed: number;
  readonly slowestMs: number;
  readonly failures: Readonly<Record<string, number>>;
}

/** Steady traffic as users would make it, until stopped. */
export interface Trickle {
  /** What was seen since the last call. */
  take(): Seen;
  stop(): Promise<void>;
}

/** What one user wanted, and what was wrong with what came of it: null when nothing was. */
export interface Asked {
  readonly kind: 'read' | 'write';
  readonly problem: string | null;
}

const EVERY_MS = 20;
const TIMEOUT_MS = 45_000;

/** Somebody asks something every 20 ms, whatever became of what others asked. */
export function startTrickle(clock: Clock, ask: (turn: number) => Promise<Asked>): Trickle {
  const stopped = new AbortController();
  let seen = blank();
  const open = new Set<Promise<void>>();
  const timed = async (turn: number): Promise<void> => {
    const startedAt = clock.monotonic();
    const asked = await ask(turn);
    // What others saw meanwhile is in `seen` only now.
    seen = withAsked(seen, asked, Math.round(clock.monotonic() - startedAt));
  };
  const loop = async (): Promise<void> => {
    for (let turn = 0; !stopped.signal.aborted; turn++) {
      const asked = timed(turn);
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
    },
  };
}

function withAsked(seen: Seen, { kind, problem }: Asked, ms: number): Seen {
  return {
    reads: seen.reads + (kind === 'read' ? 1 : 0),
    writes: seen.writes + (kind === 'write' ? 1 : 0),
    failed: seen.failed + (problem === null ? 0 : 1),
    slowestMs: Math.max(seen.slowestMs, ms),
    failures: problem === null ? seen.failures : { ...seen.failures, [problem]: (seen.failures[problem] ?? 0) + 1 },
  };
}

function blank(): Seen {
  return { reads: 0, writes: 0, failed: 0, slowestMs: 0, failures: {} };
}

/** Connections of many users. Close it when they have stopped. */
export function openConnections(): Agent {
  return new Agent({ connections: 64 });
}

export interface Question {
  readonly kind: Asked['kind'];
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Asks once, as a browser would: what was answered, or what a user would complain about. */
export async function askOnce(
  agent: Agent,
  { kind, method, url, headers = {}, body }: Question,
): Promise<{ readonly problem: string } | { readonly problem: null; readonly answer: unknown }> {
  try {
    const response = await request(url, {
      dispatcher: agent,
      method,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    return response.statusCode < 400
      ? { problem: null, answer: JSON.parse(text) as unknown }
      : { problem: `${kind} answered ${response.statusCode}` };
  } catch (error) {
    return { problem: `${kind}: ${error instanceof Error ? error.name : String(error)}` };
  }
}
