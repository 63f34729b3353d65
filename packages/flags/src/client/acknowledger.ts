import { backoffMs } from '../core/stream/backoff.ts';
import { pause, type Platform } from './platform.ts';
import { post, type Server } from './requests.ts';

const TRIES = 5;

/** Tells the server which change this client has applied; of several at once, the last one is told. */
export interface Acknowledger {
  /**
   * @param seq the change that was asked about, and not what the client has: in a history that the server does not know, that is a greater
   *   number which says nothing
   */
  acknowledge(seq: number): void;
  /** The server process that the stream comes from: a balancer may take what is told to another one, which passes it on. */
  streamsFrom(process: string | null): void;
}

export interface AcknowledgerParts {
  readonly platform: Platform;
  readonly server: Server;
  /** Something did not work, and is tried again. */
  readonly failed: (error: unknown) => void;
  readonly signal: AbortSignal;
}

export function createAcknowledger({ platform, server, signal, failed }: AcknowledgerParts): Acknowledger {
  let process: string | null = null;
  let wanted: number | null = null;
  let busy = false;
  const work = async (): Promise<void> => {
    busy = true;
    for (let failures = 0; wanted !== null && failures < TRIES && !signal.aborted;) {
      const seq = wanted;
      wanted = null;
      try {
        const body = { client: server.client, seq, ...(process === null ? {} : { process }) };
        await post(platform, server, { path: '/flags/v1/acknowledge', body, signal });
      } catch (error) {
        if (signal.aborted) break;
        failures += 1;
        wanted ??= seq;
        failed(error);
        await pause(platform, backoffMs(failures, platform.random()), signal);
      }
    }
    busy = false;
  };
  return {
    acknowledge: (seq) => {
      wanted = seq;
      if (!busy) void work();
    },
    streamsFrom: (next) => {
      process = next;
    },
  };
}

/** Of the data of the event `server`; null where it is said in a way that this build does not know. */
export function processOf(data: string): string | null {
  try {
    const { process } = JSON.parse(data) as { readonly process?: unknown };
    return typeof process === 'string' ? process : null;
  } catch {
    return null;
  }
}
