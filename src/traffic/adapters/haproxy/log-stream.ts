import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Clock } from '../../../kernel/index.ts';
import { type Line, readLine } from './line.ts';

/** Room for a second of lines at ten thousand per second, as far as the system grants it. */
const BUFFER_BYTES = 4 << 20;
/** Looks rather than a time: after this process stood still, what came meanwhile is read between two looks. */
const LOOKS = 300;
const LOOK_MS = 3;

/** Where HAProxy's processes send a line per request. */
export interface LogStream {
  readonly port: number;
  /** Takes lines of this process from now on; others' are dropped. */
  follow(pid: number): void;
  /** Resolves when so many lines of a process have come; false when one did not within a second, and so never will. */
  reached(pid: number, serial: number): Promise<boolean>;
  close(): void;
}

export interface LogStreamOptions {
  readonly token: string;
  readonly clock: Clock;
  readonly onLine: (line: Line) => void;
  /** Lines were lost: what was counted is too little. */
  readonly onGap: () => void;
}

/** Listens on a port of 127.0.0.1 that the system chooses. Datagrams on it keep their order, so the next serial number is the next line's or one is lost. */
export async function openLogStream({ token, clock, onLine, onGap }: LogStreamOptions): Promise<LogStream> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: BUFFER_BYTES });
  const seen = new Map<number, number>();
  socket.on('message', (bytes) => {
    for (const text of bytes.toString('latin1').split(/[\n\0]/)) {
      const line = readLine(text, token);
      const before = line === null ? undefined : seen.get(line.pid);
      if (line === null || before === undefined) continue;
      seen.set(line.pid, line.serial);
      if (line.serial !== before + 1) onGap();
      onLine(line);
    }
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    follow: (pid) => void seen.set(pid, 0),
    reached: async (pid, serial) => {
      for (let look = 0; look < LOOKS; look++) {
        if ((seen.get(pid) ?? serial) >= serial) return true;
        await clock.sleep(LOOK_MS);
      }
      return false;
    },
    close: () => void socket.close(),
  };
}
