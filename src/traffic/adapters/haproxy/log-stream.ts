import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../../../kernel/index.ts';
import { type Line, type LineId, readLine } from './line.ts';

/** Looks rather than a time: after this process stood still, what came meanwhile is read between two looks. */
const LOOKS = 300;
const LOOK_MS = 3;

/** Where HAProxy's processes send a line per request. */
export interface LogStream {
  readonly port: number;
  /** Takes lines of this process from now on; others' are dropped. */
  follow(pid: number): void;
  /** Resolves when a route's lines have come up to this one. One that does not come within a second is given up: a gap, once. */
  reached(line: LineId): Promise<void>;
  close(): void;
}

export interface LogStreamOptions {
  readonly token: string;
  readonly clock: Clock;
  /** How many bytes of lines may wait to be read, as far as the system grants it. */
  readonly bufferBytes: number;
  readonly onLine: (line: Line) => void;
  /** Lines of a route were lost: what was counted of it is too little. */
  readonly onGap: (frontend: string) => void;
}

/**
 * Listens on a port of 127.0.0.1 that the system chooses. Datagrams on it keep their order, so the next serial number of a route is
 * the next line's or one is lost.
 */
export async function openLogStream({ token, clock, bufferBytes, onLine, onGap }: LogStreamOptions): Promise<LogStream> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: bufferBytes });
  /** The newest serial number of each route, by process. */
  const seen = new Map<number, Map<string, number>>();
  socket.on('message', (bytes) => {
    for (const text of bytes.toString('latin1').split(/[\n\0]/)) {
      const line = readLine(text, token);
      const routes = line === null ? undefined : seen.get(line.pid);
      const before = line === null ? 0 : (routes?.get(line.frontend) ?? 0);
      // One that was given up is in no count, and comes too late for any.
      if (line === null || routes === undefined || line.serial <= before) continue;
      routes.set(line.frontend, line.serial);
      if (line.serial !== before + 1) onGap(line.frontend);
      onLine(line);
    }
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    follow: (pid) => void seen.set(pid, new Map()),
    reached: async ({ pid, frontend, serial }) => {
      const routes = seen.get(pid);
      const isHere = (): boolean => routes === undefined || (routes.get(frontend) ?? 0) >= serial;
      for (let look = 0; look < LOOKS && !isHere(); look++) await clock.sleep(LOOK_MS);
      if (isHere()) return;
      routes?.set(frontend, serial);
      onGap(frontend);
    },
    close: () => void socket.close(),
  };
}
