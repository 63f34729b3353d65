import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { messageOf, SlipwayError, within, type Clock, type Duration, type Ids, type Log, type Redactor } from '../../kernel/index.ts';
import { strangers, type FlagStore, type FlagTelemetry, type TokenStore } from '../../flags/index.ts';
import { createAddressOf, type Network } from './address.ts';
import { createApp } from './app.ts';
import { startCounts } from './counts.ts';
import { createEventStreams } from './event-streams.ts';
import type { Mount, Serving } from './mount.ts';
import { startPresence } from './presence.ts';
import type { RateOptions } from './rate.ts';
import { startRefusals } from './refusals.ts';
import { createSnapshots } from './snapshots.ts';
import { createTokenDoor } from './token/door.ts';

/** A client that sends its request slower than this only holds a connection. */
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 20_000;
const LOOK_FOR_SLOW_MS = 2_000;
/** Longer than the idle time of usual load balancers, so that it is they who end a connection. */
const KEEP_ALIVE_MS = 65_000;
const MOST_HEADER_BYTES = 16 * 1024;
/** Connections that wait to be taken: after a restart all clients come at once. The system may allow fewer. */
const MOST_WAITING = 4_096;
/** What is being answered may be finished. */
const DRAIN_MS = 10_000;
/** How soon after its last answer a connection is ended that its client would keep. */
const LOOK_FOR_IDLE_MS = 100;

export interface ServeOptions {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly version: string;
  readonly flags: FlagStore;
  readonly tokens: TokenStore;
  readonly telemetry: FlagTelemetry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: () => number;
  readonly log: Log;
  readonly redact: Redactor;
  /** Origins whose pages may ask, or `*`. None: no page may. */
  readonly origins: readonly string[];
  /** Proxies before us, which say truly by whom they are asked. */
  readonly proxies: readonly Network[];
  /** Of each token, in this process. */
  readonly rate: RateOptions;
  /** Streams of this process; half of them at most for tokens that everybody can read. */
  readonly mostStreams: number;
  /** Without the store for so long, nothing is answered any more. */
  readonly limitMs: Duration;
  /** Public: flags are signed with the first. */
  readonly keys: readonly string[];
  readonly mounts: readonly Mount[];
}

/**
 * Serves until the signal aborts. Then it is not ready any more and takes no new connections, says good-bye to streams, and lets
 * requests in flight finish within a bound.
 * @param onReady is told where it listens
 * @throws SlipwayError `port_in_use`, `usage` for a host that is none of this machine
 */
export async function serveHttp(
  options: ServeOptions,
  signal: AbortSignal,
  onReady: (address: { readonly host: string; readonly port: number }) => void,
): Promise<void> {
  const { clock: own, log, flags, tokens, telemetry, limitMs } = options;
  // Before anything else, so that where somebody else listens nothing was begun. Nobody is heard before the rest is there: nothing below waits.
  const server = await listen(options, (...asked) => app.fetch(...asked));
  const process = options.ids.token();
  const presence = startPresence({ telemetry, clock: own, log, process, limitMs, keys: options.keys });
  void presence.registered.then(() => warnOfStrangers(options, process));
  // Whatever is told to others, or compared with what they told, is by the store's clock: those of machines differ.
  const clock: Clock = { ...own, now: presence.now };
  const streams = createEventStreams({ most: options.mostStreams, random: options.random, log });
  const snapshots = createSnapshots({ flags, clock: own, log, presence, limitMs, ended: streams.endAll });
  // Nothing is known of a token before the store's time is, which says whether it has expired.
  const findAll: TokenStore['findAll'] = async (ids) => presence.registered.then(() => tokens.findAll(ids));
  const addressOf = createAddressOf(options.proxies);
  const refusals = startRefusals({ clock, log, addressOf });
  const door = createTokenDoor({ tokens: { ...tokens, findAll }, clock, log, rate: options.rate, addressOf, refusals });
  const counts = startCounts({ clock, log, telemetry });
  const serving: Serving = {
    ...options,
    clock,
    process,
    counts,
    snapshots,
    streams,
    addressOf,
    refusals,
    allow: door.allow,
    stillAllowed: async ({ id }) => (await door.valid(id)) !== null,
  };
  const parts = options.mounts.map((mount) => mount(serving));
  const { app, close } = createApp({ ...options, clock, serving, snapshots, streams, door, parts, isStopping: () => signal.aborted });
  try {
    const address = { host: options.host, port: (server.address() as AddressInfo).port };
    const proxies = options.proxies.map((one) => `${one.address}/${one.bits}`);
    log('info', 'serving', { ...address, process, version: options.version, origins: options.origins, proxies });
    onReady(address);
    await aborted(signal);
    log('info', 'stopping', { streams: streams.places.taken('public') + streams.places.taken('server') });
    const closed = new Promise((resolve) => server.close(resolve));
    // Each says good-bye before it waits for anything. Who must come back is written while they are on their way already.
    const told = parts.map((part) => part.close().catch((error: unknown) => log('warn', `stopping: ${messageOf(error)}`)));
    close();
    streams.close();
    await drain(server, closed, { log, clock });
    await Promise.all(told);
  } finally {
    snapshots.close();
    await counts.stop();
    await door.close();
    refusals.close();
    await presence.leave();
  }
  log('info', 'stopped');
}

/** What is being answered is finished, within a bound. */
async function drain(server: Server, closed: Promise<unknown>, { log, clock }: Pick<ServeOptions, 'log' | 'clock'>): Promise<void> {
  server.closeIdleConnections();
  const looking = setInterval(() => server.closeIdleConnections(), LOOK_FOR_IDLE_MS);
  if ((await within(closed, DRAIN_MS, clock)) === null) log('warn', 'requests were cut off');
  clearInterval(looking);
  server.closeAllConnections();
  await closed;
}

/** Whoever begins with other keys is told, for clients that come to it from another process would refuse its flags. */
async function warnOfStrangers({ telemetry, log, keys }: ServeOptions, process: string): Promise<void> {
  try {
    for (const pair of strangers(await telemetry.servers())) {
      const other = pair.find((one) => one.process !== process);
      if (other === undefined || pair.every((one) => one.process !== process)) continue;
      const what = { process: other.process, host: other.host, pid: other.pid, theirs: other.keys?.[0], own: keys[0] };
      log(
        'warn',
        'another process signs flags with a key that is unknown here: clients of one refuse the other; give all the same keys',
        what,
      );
    }
  } catch (error) {
    log('debug', `whether others have the same keys could not be read: ${messageOf(error)}`);
  }
}

async function listen({ host, port }: ServeOptions, fetch: Parameters<typeof createAdaptorServer>[0]['fetch']): Promise<Server> {
  const server = createAdaptorServer({
    fetch,
    serverOptions: {
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MOST_HEADER_BYTES,
    },
  }) as Server;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(refusal(cause, `${host}:${port}`)));
    server.listen({ port, host, backlog: MOST_WAITING }, resolve);
  });
  return server;
}

function refusal(cause: NodeJS.ErrnoException, where: string): Error {
  if (cause.code === 'EADDRINUSE')
    return new SlipwayError('port_in_use', `Somebody else listens on ${where}`, {
      cause,
      hint: 'Stop what listens there (another `slipway serve`?), or choose another port with --port.',
    });
  if (cause.code === 'EACCES')
    return new SlipwayError('usage', `This user may not listen on ${where}`, { cause, hint: 'Choose a port above 1023 with --port.' });
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND')
    return new SlipwayError('usage', `${where} is no address of this machine`, {
      cause,
      hint: 'Choose one with --host: 127.0.0.1, or 0.0.0.0 for all.',
    });
  return cause;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
