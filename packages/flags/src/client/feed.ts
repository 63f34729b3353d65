import { backoffMs, LAST_MS } from '../core/stream/backoff.ts';
import type { ServerSentEvent } from '../core/stream/sse.ts';
import type { Intake, Taken } from './intake.ts';
import { createAcknowledger, processOf, type Acknowledger } from './acknowledger.ts';
import { pause, type Platform } from './platform.ts';
import { startPolling, type Polling } from './poll.ts';
import { Unanswered, type Server } from './requests.ts';
import { ForeignEnvironment, readStream } from './stream.ts';
import { gapText } from './words.ts';

/** A connection that lasted so long counts as one that worked: the next failure is a new one. */
const WORKED_MS = 10_000;
/** After these the next poll has to do. */
const CATCH_UP_TRIES = 5;

export interface Timings {
  /** Without a byte for so long, a connection is given up and opened again. Default 45 s: three heartbeats. */
  readonly readTimeoutMs: number;
  /** How often the snapshot is asked for beside the stream. Default 60 s. */
  readonly pollMs: number;
}

export interface FeedParts extends Timings {
  readonly platform: Platform;
  readonly server: Server;
  readonly intake: Intake;
  /** Up to `ageMs` ago, what the client has was all there is. */
  readonly heard: (ageMs: number) => void;
  /** Something did not work, and is tried again. */
  readonly failed: (error: unknown) => void;
  /** The server showed older flags than these, and asking again did not clear it up. */
  readonly doubted: () => void;
  readonly signal: AbortSignal;
}

/** Keeps the intake fed until the signal aborts; never throws. Resolves when everything has ended. */
export async function feed(parts: FeedParts): Promise<void> {
  const polling = startPolling(parts);
  await Promise.all([follow(parts, polling, createAcknowledger(parts)), polling.ended]);
}

async function follow(parts: FeedParts, polling: Polling, acknowledger: Acknowledger): Promise<void> {
  const { platform, signal, failed, pollMs } = parts;
  let failures = 0;
  while (!signal.aborted) {
    const began = platform.monotonic();
    const connection = createConnection(parts, polling, acknowledger);
    let askedMs: number | null = null;
    try {
      const { server, intake, readTimeoutMs } = parts;
      const [position, environment] = [intake.position(), intake.environment()];
      await readStream({ platform, server, readTimeoutMs, signal, position, environment, event: connection.event });
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
      askedMs = error instanceof Unanswered ? error.retryAfterMs : null;
      if (askedMs !== null && askedMs > LAST_MS) await goOnWithout(parts, polling, acknowledger);
      if (isForeign(error)) askedMs = pollMs;
    }
    const worked = connection.byeMs() !== null || platform.monotonic() - began >= WORKED_MS;
    failures = worked ? 0 : failures + 1;
    const bye = connection.byeMs();
    const waitMs = bye === null ? backoffMs(failures, platform.random()) : platform.random() * bye;
    await pause(platform, Math.max(waitMs, askedMs ?? 0), signal);
  }
}

/**
 * A server that has no place for a stream still says what it has: until the next poll the flags would be stale. It counts who it refused,
 * and hears that they have it.
 */
async function goOnWithout({ intake, failed }: FeedParts, polling: Polling, { acknowledge, streamsFrom }: Acknowledger): Promise<void> {
  try {
    if (!(await polling.fresh()) || !intake.isSure()) return;
    streamsFrom(null);
    acknowledge(intake.set()?.seq ?? 0);
  } catch (error) {
    failed(error);
  }
}

/** The server has another environment for this token: it is asked no more often than it is polled. */
function isForeign(error: unknown): boolean {
  return error instanceof ForeignEnvironment || (error instanceof Unanswered && error.isForeign);
}

interface Connection {
  readonly event: (event: ServerSentEvent) => Promise<void>;
  /** The server said that it is about to stop, and within how long to come back. */
  byeMs(): number | null;
}

function createConnection(parts: FeedParts, polling: Polling, { acknowledge, streamsFrom }: Acknowledger): Connection {
  const { intake, heard, failed } = parts;
  let bye: number | null = null;

  const took = async (taken: Taken): Promise<void> => {
    if (taken.kind === 'gap') await catchUp(parts, polling);
    // A sign of life of a server whose flags were refused, or are not all here, says nothing.
    if (!intake.isSure()) return;
    heard(0);
    if (taken.kind !== 'refused' && taken.acknowledge !== null) acknowledge(taken.acknowledge);
  };
  const event = async ({ type, data }: ServerSentEvent): Promise<void> => {
    if (type === 'snapshot') await took(native(await intake.take(data)));
    else if (type === 'delta') await took(await intake.take(data));
    else if (type === ':' && intake.isSure()) heard(0);
    else if (type === 'acknowledge' && intake.isSure()) acknowledge(intake.set()?.seq ?? 0);
    else if (type === 'server') streamsFrom(processOf(data));
    else if (type === 'bye') bye = reconnectWithinMs(data);
    else if (type === 'away') failed(new Error('the server cannot reach its store: what it says may be old'));
  };
  return { event, byeMs: () => bye };
}

/** @throws ForeignEnvironment when the server has nothing else to say */
function native(taken: Taken): Taken {
  if (taken.kind === 'refused' && taken.why === 'foreign-environment') throw new ForeignEnvironment(taken);
  return taken;
}

/** Asks for the whole until nothing is missing: whoever answers may not have heard yet of what was told. */
async function catchUp({ platform, intake, signal, failed }: FeedParts, polling: Polling): Promise<void> {
  for (let tries = 0; tries < CATCH_UP_TRIES && !intake.isSure() && !signal.aborted; tries++) {
    if (tries > 0) await pause(platform, backoffMs(tries - 1, platform.random()), signal);
    try {
      if (!(await polling.fresh())) return;
      if (!intake.isSure()) failed(new Error(gapText(tries + 1, intake.set()?.seq ?? null)));
    } catch (error) {
      failed(error);
    }
  }
}

/** As the server asks for, within bounds of ours. */
function reconnectWithinMs(data: string): number {
  try {
    const { reconnectWithinMs: asked } = JSON.parse(data) as { readonly reconnectWithinMs?: unknown };
    if (typeof asked === 'number' && asked >= 0) return Math.min(asked, 30_000);
  } catch {
    // Said in a way that this build does not know: it is a good-bye all the same.
  }
  return 1_000;
}
