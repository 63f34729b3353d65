import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingHttpHeaders, type RequestListener, type Server, createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, type Server as NetServer, type Socket, connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Undoes what a test made, last first. */
export interface Cleanup {
  add<T>(thing: T, undo: (thing: T) => unknown): T;
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const undos: (() => unknown)[] = [];
  return {
    add: (thing, undo) => {
      undos.push(() => undo(thing));
      return thing;
    },
    run: async () => {
      for (const undo of undos.splice(0).toReversed()) await undo();
    },
  };
}

/** Polls until the condition holds; throws, naming it, when it does not within the deadline. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 60_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms: ${what}`);
    await delay(5);
  }
}

export async function scratch(cleanup: Cleanup): Promise<string> {
  return cleanup.add(await mkdtemp(join(tmpdir(), 'slipway-traffic-')), (path) => rm(path, { recursive: true, force: true }));
}

export interface RunningProcess {
  readonly port: number;
  readonly pid: number;
  kill(): void;
}

/** Starts a real service instance as a child process. */
export async function startProcess(cleanup: Cleanup, version: string): Promise<RunningProcess> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL('./backend-process.ts', import.meta.url)), version], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  cleanup.add(child, (running) => running.kill('SIGKILL'));
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
  return { port: Number(line.toString()), pid: child.pid ?? -1, kill: () => void child.kill('SIGKILL') };
}

/** A backend inside the test's process. */
export async function startServer(
  cleanup: Cleanup,
  listener: RequestListener,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  cleanup.add(server, (running) => {
    running.close();
    running.closeAllConnections();
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, server };
}

/** A backend that speaks bytes, for the ways a peer can be broken. */
export async function startSocketServer(
  cleanup: Cleanup,
  onSocket: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly accepted: () => number }> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server: NetServer = createNetServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  cleanup.add(server, (running) => {
    running.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, accepted: () => accepted };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** One request, never retried: a broken connection rejects. */
export function ask(port: number, { method = 'GET', path = '/', headers = {}, body, agent }: Ask = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
      response.once('error', reject);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

export interface Load {
  /** Requests answered or failed so far. */
  done(): number;
  /** Stops sending, waits for what is under way, and tells every outcome: the body of a 200, else the status or error. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** Steady requests over kept-alive connections, without any retry, at about `perSecond`. */
export function startLoad(cleanup: Cleanup, port: number, { perSecond = 300, ...what }: Ask & { readonly perSecond?: number } = {}): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  cleanup.add(agent, (pool) => pool.destroy());
  const outcomes = new Map<string, number>();
  const pending = new Set<Promise<void>>();
  let done = 0;
  let sent = 0;
  const startedAt = performance.now();
  const record = (outcome: string): void => {
    done++;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  };
  const timer = setInterval(() => {
    // Never more than a small burst, so a stalled machine does not turn the rate into a flood.
    for (let burst = 0; burst < 20 && sent < ((performance.now() - startedAt) * perSecond) / 1_000; burst++) {
      sent++;
      const one = ask(port, { ...what, agent }).then(
        (reply) => record(reply.status === 200 ? reply.body : `status ${reply.status}`),
        (error: Error) => record(error.message),
      );
      pending.add(one);
      void one.then(() => pending.delete(one));
    }
  }, 4);
  cleanup.add(timer, clearInterval);
  return {
    done: () => done,
    stop: async () => {
      clearInterval(timer);
      await Promise.all(pending);
      return outcomes;
    },
  };
}

/** Sends raw bytes and gathers the answer until the other side closes. */
export async function raw(cleanup: Cleanup, port: number, bytes: string | Buffer): Promise<string> {
  const socket = cleanup.add(connect(port, '127.0.0.1'), (open) => open.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => socket.destroy());
  socket.write(bytes);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}
