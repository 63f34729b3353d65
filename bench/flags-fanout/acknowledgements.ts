import { connect, type Socket } from 'node:net';

/** How acknowledgements travel: over connections that are kept, or each over one of its own. */
export type Ways = 'kept' | 'own';

export interface Acknowledgements {
  send(client: string, seq: number): void;
  use(ways: Ways): void;
}

/** At most so many at once. A server may have as many files open as a process of this machine may, and every client has a stream, too. */
const AT_ONCE = 256;
/** After the server was gone. */
const AGAIN_MS = 500;

interface Sender {
  readonly socket: Socket;
  readonly keep: boolean;
  /** What was sent and not answered. */
  unanswered: string | null;
}

/** Sends acknowledgements as fast as they are answered. */
export function createAcknowledgements(port: number, token: string): Acknowledgements {
  const waiting: string[] = [];
  const idle: Sender[] = [];
  let senders = 0;
  let keep = true;

  const next = (sender: Sender): void => {
    const body = waiting.shift();
    sender.unanswered = body ?? null;
    if (body === undefined) return void idle.push(sender);
    const connection = sender.keep ? '' : 'connection: close\r\n';
    sender.socket.write(
      `POST /flags/v1/acknowledge HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n${connection}content-length: ${body.length}\r\n\r\n${body}`,
    );
  };
  const open = (): void => {
    senders += 1;
    const sender: Sender = { socket: connect({ port, host: '127.0.0.1' }), keep, unanswered: null };
    sender.socket.setEncoding('latin1').setNoDelay(true);
    sender.socket.on('connect', () => next(sender));
    sender.socket.on('data', (text: string) => {
      // It was not needed after all, and the server gave up waiting.
      if (sender.unanswered === null) return void sender.socket.destroy();
      if (!text.startsWith('HTTP/1.1 204')) throw new Error(`an acknowledgement was answered ${text.slice(0, text.indexOf('\r'))}`);
      sender.unanswered = null;
      if (sender.keep) next(sender);
    });
    sender.socket.on('end', () => sender.socket.destroy()).on('error', () => undefined);
    sender.socket.once('close', () => {
      senders -= 1;
      const at = idle.indexOf(sender);
      if (at !== -1) idle.splice(at, 1);
      if (sender.unanswered !== null) waiting.push(sender.unanswered);
      if (waiting.length > 0) setTimeout(open, sender.keep ? AGAIN_MS : 0);
    });
  };
  return {
    send: (client, seq) => {
      waiting.push(JSON.stringify({ client, seq }));
      const sender = idle.pop();
      if (sender !== undefined) next(sender);
      else if (senders < AT_ONCE) open();
    },
    use: (ways) => {
      if (keep === (ways === 'kept')) return;
      keep = !keep;
      for (const { socket } of idle.splice(0)) socket.destroy();
    },
  };
}
