import type { Dispatcher } from 'undici';

/**
 * How an attempt failed. `refused`: never sent. `broken`: reset, closed or garbage. `timeout`: no answer in time.
 * `withdrawn`: the router itself closed the connection. `invalid`: the request cannot be sent as it is.
 */
export type Failure = 'refused' | 'broken' | 'timeout' | 'withdrawn' | 'invalid';

/** What an attempt reports; exactly one of `end` and `failed` is called, once. */
export interface AttemptEvents {
  /** The answer begins. Throwing (an answer Node refuses to write) fails the attempt as broken. */
  head(status: number, message: string, headers: readonly (Buffer | string)[]): void;
  /** False asks the backend to wait until {@link Attempt.resume}. */
  data(chunk: Buffer): boolean;
  end(): void;
  failed(failure: Failure, sent: boolean): void;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_DESTROYED: 'withdrawn',
  UND_ERR_CLOSED: 'withdrawn',
  UND_ERR_INVALID_ARG: 'invalid',
  UND_ERR_NOT_SUPPORTED: 'invalid',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'invalid',
};

/** One attempt to have a request answered by one endpoint: undici's dispatch handler. */
export class Attempt implements Dispatcher.DispatchHandler {
  readonly #events: AttemptEvents;
  #controller: Dispatcher.DispatchController | null = null;
  #aborted = false;

  constructor(events: AttemptEvents) {
    this.#events = events;
  }

  /** The client left: closes the connection to the backend, so that it can notice. */
  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(new Error('The client closed the connection'));
  }

  resume(): void {
    this.#controller?.resume();
  }

  /** undici calls this right before the first byte is written, so without it nothing was sent. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted) this.abort();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, message = ''): void {
    if (status < 200) return;
    const raw = controller.rawHeaders;
    this.#events.head(status, message, Array.isArray(raw) ? raw : []);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#events.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#events.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error & { readonly code?: string }): void {
    const sent = this.#controller !== null;
    this.#events.failed(FAILURES[error.code ?? ''] ?? (sent ? 'broken' : 'refused'), sent);
  }
}
