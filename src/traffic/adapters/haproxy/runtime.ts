import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A command that takes longer means a HAProxy that hangs. */
const ANSWER_WITHIN_MS = 5_000;
const PROMPT = '\n> ';

/**
 * A conversation with one HAProxy process over its runtime API. It stays open: a process that is being replaced takes no new
 * ones, but answers on one it has, so that the requests on its kept connections follow changes as well.
 */
export interface Runtime {
  /** The answer without its last newline. Rejects when the process has ended or hangs. */
  ask(command: string): Promise<string>;
  close(): void;
}

/** @throws the socket's error when nobody listens there */
export async function openRuntime(path: string): Promise<Runtime> {
  const socket = connect(path);
  await once(socket, 'connect');
  const conversation = new Conversation(socket);
  await conversation.ask('prompt');
  return conversation;
}

interface Waiting {
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
  readonly late: NodeJS.Timeout;
}

class Conversation implements Runtime {
  readonly #socket: Socket;
  #received = '';
  #waiting: Waiting | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('HAProxy has closed its runtime socket')));
  }

  /** One command after another: answers carry nothing that tells them apart. */
  ask(command: string): Promise<string> {
    const answer = this.#last.then(() => this.#send(command));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('HAProxy has closed its runtime socket'));
      const hangs = (): void => {
        if (this.#waiting?.late === late) this.#fail(new Error(`HAProxy did not answer "${command}" within ${ANSWER_WITHIN_MS} ms`));
      };
      // What came while it was us who stood still is read before anybody is blamed.
      const late = setTimeout(() => setImmediate(hangs), ANSWER_WITHIN_MS);
      this.#waiting = { resolve, reject, late };
      this.#socket.write(`${command}\n`);
    });
  }

  #take(text: string): void {
    this.#received += text;
    if (!this.#received.endsWith(PROMPT)) return;
    const answer = this.#received.slice(0, -PROMPT.length);
    this.#received = '';
    const waiting = this.#settle();
    waiting?.resolve(answer.replace(/\n$/, ''));
  }

  #fail(error: Error): void {
    this.#socket.destroy();
    this.#settle()?.reject(error);
  }

  #settle(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) clearTimeout(waiting.late);
    return waiting;
  }
}
