import { connect, type Socket } from 'node:net';
import { backoffMs } from '../../packages/flags/src/core/stream/backoff.ts';

/** What the clients of one process share. */
export interface Shared {
  readonly port: number;
  readonly token: string;
  /** A document was taken in. */
  readonly took: (seq: number, at: number) => void;
  readonly acknowledge: (client: string, seq: number) => void;
  /** A connection was tried. */
  readonly tried: () => void;
  /** One was made, and answered with another status than 200. */
  readonly refused: () => void;
}

export interface Client {
  /** Resolves when it has flags for the first time. */
  readonly ready: Promise<void>;
}

const now = (): number => performance.timeOrigin + performance.now();
/** As in the SDK: a connection that lasted so long counts as one that worked. */
const WORKED_MS = 10_000;

/**
 * One client of the stream: a socket, and of the SDK what a server notices: it names its position when it comes back, comes back after
 * the same times, checks that a change follows what it has, and acknowledges. It verifies no signature and evaluates nothing: it stands for a machine
 * that has a processor of its own.
 */
export function startClient(name: string, shared: Shared): Client {
  let resolve: () => void = () => undefined;
  const ready = new Promise<void>((done) => {
    resolve = done;
  });
  let position: string | null = null;
  let known = -1;
  let failures = 0;

  const take = (type: string, id: string, data: string): void => {
    const seq = Number.parseInt(id, 10);
    if (type === 'delta' && seq !== known + 1) throw new Error(`${name} has ${known} and was sent the change ${seq}`);
    [known, position] = [seq, id];
    shared.took(seq, now());
    if (data.includes(String.raw`acknowledge\":true`)) shared.acknowledge(name, seq);
    resolve();
  };
  const open = (): void => {
    shared.tried();
    const began = now();
    const parser = createParser();
    let bye: number | null = null;
    let askedMs: number | null = null;
    const socket = connect({ port: shared.port, host: '127.0.0.1' });
    socket.setEncoding('latin1').on('connect', () => socket.write(requestOf(name, position, shared)));
    socket.on('data', (chunk: string) => {
      if (chunk.startsWith('HTTP/1.1 ') && !chunk.startsWith('200', 9)) {
        shared.refused();
        askedMs = Number(/retry-after: (\d+)/i.exec(chunk)?.[1] ?? 0) * 1_000;
        return void socket.destroy();
      }
      for (const { type, id, data } of parser(chunk)) {
        if (type === 'bye') bye = (JSON.parse(data) as { readonly reconnectWithinMs: number }).reconnectWithinMs;
        else if (type === 'acknowledge') shared.acknowledge(name, known);
        else if (type === 'snapshot' || type === 'delta') take(type, id, data);
      }
    });
    endOf(socket, () => {
      failures = bye !== null || now() - began >= WORKED_MS ? 0 : failures + 1;
      const waitMs = bye === null ? backoffMs(failures, Math.random()) : Math.random() * bye;
      setTimeout(open, Math.max(waitMs, askedMs ?? 0));
    });
  };
  open();
  return { ready };
}

function endOf(socket: Socket, ended: () => void): void {
  socket.on('end', () => socket.destroy());
  socket.on('error', () => undefined);
  socket.once('close', ended);
}

function requestOf(name: string, position: string | null, { token }: Shared): string {
  const last = position === null ? '' : `last-event-id: ${position}\r\n`;
  return `GET /flags/v1/stream?client=${name} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\naccept: text/event-stream\r\n${last}\r\n`;
}

interface Event {
  readonly type: string;
  readonly id: string;
  readonly data: string;
}

/** Events are whole lines, and chunks of HTTP hold whole events, so what stands between events is skipped. */
function createParser(): (chunk: string) => readonly Event[] {
  let text = '';
  return (chunk) => {
    text = text === '' ? chunk : text + chunk;
    const events: Event[] = [];
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const found = /(?:id: (\S+)\n)?event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end));
      if (found !== null) events.push({ id: found[1] ?? '', type: found[2] ?? '', data: found[3] ?? '' });
      text = text.slice(end + 2);
    }
    return events;
  };
}
