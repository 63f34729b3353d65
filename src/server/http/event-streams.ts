import type { ServerResponse } from 'node:http';
import type { Context } from 'hono';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Duration } from '../../kernel/index.ts';
import type { EventStream, EventStreams, ServeEnv } from './mount.ts';
import { createPlaces, type Places, type PlacesOptions } from './places.ts';

const HEARTBEAT_MS = 15_000;
const HEARTBEAT = Buffer.from(':\n\n');
/** What may wait for a client that does not read. It comes again, and is told what it missed. */
const MOST_WAITING = 1024 * 1024;

export interface OwnEventStreams extends EventStreams {
  readonly places: Omit<Places, 'take' | 'quieted'>;
  /** Ends those that are open. */
  endAll(): void;
  /** Ends all of them, and those that are opened from now on. */
  close(): void;
}

interface Open {
  readonly outgoing: ServerResponse;
  /** Something was sent since the last heartbeat. */
  spoke: boolean;
  /** More may not wait for it: a frame that is longer than usual, twice, because it is on its way while others follow. */
  most: number;
  /** What waited at the last heartbeat. */
  waited: number;
}

const CRLF = Buffer.from('\r\n');
/** Frames as chunks of HTTP. */
const chunks = new WeakMap<Buffer, Buffer>();

function chunkOf(frame: Buffer): Buffer {
  let chunk = chunks.get(frame);
  if (chunk === undefined) chunks.set(frame, (chunk = Buffer.concat([Buffer.from(`${frame.length.toString(16)}\r\n`), frame, CRLF])));
  return chunk;
}

/** A frame for ten thousand clients becomes a chunk once; node would make the head of it, and four writes, for each of them. */
function write(outgoing: ServerResponse, frames: string | Buffer): void {
  const { socket } = outgoing;
  // Only where nothing waits in the response itself, so that the order stays.
  const isDirect = socket !== null && outgoing.chunkedEncoding && outgoing.writableLength === socket.writableLength;
  if (isDirect && typeof frames !== 'string') socket.write(chunkOf(frames));
  else outgoing.write(frames);
}

/** The head of a stream. */
function begin(context: Context<ServeEnv>): ServerResponse {
  const { outgoing } = context.env;
  for (const [name, value] of Object.entries(context.get('pageHeaders') ?? {})) outgoing.setHeader(name, value);
  outgoing.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  // What is said at once goes out with the head: a write less for each of ten thousand clients.
  const { socket } = outgoing;
  socket?.cork();
  process.nextTick(() => socket?.uncork());
  outgoing.flushHeaders();
  socket?.setNoDelay(true);
  return outgoing;
}

/** Event streams of one server. Frames go to node's response itself: a web stream for each of ten thousand clients costs ten times as much. */
export function createEventStreams({
  heartbeatMs = HEARTBEAT_MS,
  ...options
}: PlacesOptions & { readonly heartbeatMs?: Duration }): OwnEventStreams {
  const open = new Set<Open>();
  const places = createPlaces(options);
  let closing = false;
  const send = (one: Open, frames: string | Buffer): void => {
    if (one.outgoing.writableEnded || one.outgoing.destroyed) return;
    one.spoke = true;
    one.most = Math.max(one.most, 2 * frames.length);
    write(one.outgoing, frames);
    if (one.outgoing.writableLength > one.most) one.outgoing.destroy();
  };
  /** Long frames may take their time, as long as they move. */
  const cutWhoStands = (one: Open): void => {
    const waiting = one.outgoing.writableLength;
    if (waiting > MOST_WAITING && waiting >= one.waited) one.outgoing.destroy();
    one.waited = waiting;
  };
  const endAll = (): void => {
    for (const { outgoing } of open) outgoing.end();
  };
  const beat = setInterval(() => {
    places.quieted();
    for (const one of open) {
      if (!one.spoke) send(one, HEARTBEAT);
      one.spoke = false;
      cutWhoStands(one);
    }
  }, heartbeatMs);
  beat.unref();
  return {
    places,
    endAll,
    open: (context, token, closed) => {
      const giveBack = places.take(token);
      const outgoing = begin(context);
      const one: Open = { outgoing, spoke: false, most: MOST_WAITING, waited: 0 };
      open.add(one);
      const gone = (): void => {
        open.delete(one);
        giveBack();
        closed();
      };
      // Who left while its token was looked up is gone already, and says so no more; the caller is not ready to hear it yet.
      if (outgoing.destroyed) setImmediate(gone);
      // Not the request's `close`: that comes as soon as the request was read.
      else outgoing.once('close', gone);
      const stream: EventStream = { send: (frames) => send(one, frames), end: () => void outgoing.end() };
      if (closing) stream.end();
      return { stream, response: RESPONSE_ALREADY_SENT };
    },
    close: () => {
      closing = true;
      clearInterval(beat);
      endAll();
    },
  };
}
