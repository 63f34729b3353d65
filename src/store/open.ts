import { hostname } from 'node:os';
import type { FlagStore, FlagTelemetry, NoticeStore, TokenStore } from '../flags/index.ts';
import { SlipwayError, type Clock, type Duration, type Faults, type Log } from '../kernel/index.ts';
import type { Driver, LeaseTerms, RampStore, ReleaseStore, Wakeups } from '../release/index.ts';
import { acquireLock, append, request } from './append.ts';
import { createBoss, createWakeSender } from './boss.ts';
import { waitForChange } from './changes.ts';
import { claim, park, postponeSeal, renew, seal } from './claims.ts';
import type { Context } from './context.ts';
import { openEmbedded, type Embedded } from './embedded/embedded.ts';
import { createFlagStore } from './flags/store.ts';
import { createNoticeStore } from './flags/notices.ts';
import { createFlagTelemetry } from './flags/telemetry.ts';
import { createTokenStore } from './flags/tokens.ts';
import { createRampStore } from './ramps/store.ts';
import { createListener, type Listener } from './listener.ts';
import { migrate } from './migrate.ts';
import { isDriverAlive } from './process.ts';
import { lastServing, list, load, lockOf, resolve, sizeOf } from './reads.ts';
import { lockKey } from './rows.ts';
import { createSession, type Session } from './session.ts';
import { submit } from './submit.ts';
import { createWakeups } from './wakeups.ts';

/** The database of the store inside the embedded server. */
const STORE_DATABASE = 'slipway';

/** A server that is started again is back by then. */
const PATIENT_MS: Duration = 30_000;
const HURRIED_MS: Duration = 10_000;

/** Everything about flags and tokens is quick, and somebody waits for it. */
const FLAG_LIMIT_MS: Duration = 5_000;

export interface StoreOptions {
  /** The state directory; used for the embedded server. */
  readonly home: string;
  /** A server of the user's own (SLIPWAY_DATABASE_URL); the embedded one is used without it. */
  readonly url?: string | undefined;
  /** This worker's node, `host:state directory`: it is woken for releases planned on it. */
  readonly node: string;
  readonly clock: Clock;
  readonly lease: LeaseTerms;
  readonly log?: Log;
  /** Where tests end the process in the middle of a change of flags. */
  readonly faults?: Faults;
  /** How long an operation waits for a store that went away. Default 30 s. */
  readonly patienceMs?: Duration;
  /** Somebody waits for an answer: a server that was never reached and refuses is not waited for, one that is silent for 10 s at most. */
  readonly hurries?: boolean;
  /** Tests replace it; by default by process id and start time. */
  readonly isAlive?: (driver: Driver) => boolean;
}

/** What `slipway doctor` shows. */
export interface StoreHealth {
  readonly server: string;
  readonly embedded: boolean;
  /** False behind a pooler in transaction mode, or before anything listens: changes are then seen by polling. */
  readonly notifications: boolean;
  readonly roundTripMs: Duration;
}

export interface OpenStore {
  readonly store: ReleaseStore;
  readonly wakeups: Wakeups;
  readonly ramps: RampStore;
  readonly flags: FlagStore;
  readonly tokens: TokenStore;
  readonly telemetry: FlagTelemetry;
  readonly notices: NoticeStore;
  /** The server in the state directory, where demo databases may live too; null on a server of the user's own. */
  readonly embedded: Embedded | null;
  health(): Promise<StoreHealth>;
  /** Ends this process's use. The embedded server stops when nobody else uses it. */
  close(): Promise<void>;
}

/**
 * Opens the store, creating or upgrading it when needed. Any number of processes may.
 * @throws SlipwayError `store_unreachable`, `store_version`, `disk_full`, `state_corrupt`, `platform_unsupported`
 */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const log = options.log ?? (() => undefined);
  const embedded = await openServer(options);
  const url = options.url ?? embedded?.url(STORE_DATABASE) ?? '';
  const revive = embedded === null ? null : () => embedded.ensureRunning();
  const { hurries = false, patienceMs = hurries ? HURRIED_MS : PATIENT_MS } = options;
  const shared = { url, clock: options.clock, log, patienceMs, waitsForRefusing: !hurries, revive };
  const session = createSession({ ...shared, limitMs: null });
  const flagSession = createSession({ ...shared, limitMs: FLAG_LIMIT_MS });
  try {
    await session.again(() => migrateIn(session, embedded));
  } catch (error) {
    await session.close();
    throw error;
  }
  const sender = createWakeSender(() => createBoss(session.side, log));
  const context: Context = {
    session,
    clock: options.clock,
    lease: options.lease,
    log,
    wakes: sender,
    isAlive: options.isAlive ?? isDriverAlive,
  };
  const listener = createListener(url, options.clock, log);
  const closing = new AbortController();
  const faults = options.faults ?? { at: () => undefined };
  const openBoss = () =>
    createBoss(session.pool, log, { supervise: true, superviseIntervalSeconds: 30, monitorIntervalSeconds: 30, monitorVacuum: false });
  return {
    store: createStore(context, listener),
    wakeups: createWakeups({ context, listener, node: options.node, host: hostname(), openBoss }),
    ramps: createRampStore(context),
    flags: createFlagStore({ session: flagSession, listener, clock: options.clock, log, faults, closing: closing.signal }),
    tokens: createTokenStore(flagSession),
    telemetry: createFlagTelemetry(flagSession, context.isAlive),
    notices: createNoticeStore(flagSession),
    embedded,
    health: () => readHealth(context, embedded !== null, listener),
    close: async () => {
      closing.abort();
      await listener.close();
      await Promise.all([session.close(), flagSession.close()]);
      await embedded?.stopIfUnused().catch(() => false);
    },
  };
}

async function openServer(options: StoreOptions): Promise<Embedded | null> {
  if (options.url !== undefined) {
    if (/^postgres(ql)?:\/\//.test(options.url)) return null;
    throw new SlipwayError('usage', 'SLIPWAY_DATABASE_URL must begin with postgresql://');
  }
  return openEmbedded({ home: options.home });
}

/** 3D000 invalid_catalog_name: the first time in a new embedded server. Asking before would cost every command a connection. */
async function migrateIn({ db, pool }: Session, embedded: Embedded | null): Promise<void> {
  try {
    await migrate(db, pool);
  } catch (error) {
    if (embedded === null || (error as { readonly code?: string }).code !== '3D000') throw error;
    await embedded.ensureDatabase(STORE_DATABASE);
    await migrate(db, pool);
  }
}

function createStore(context: Context, listener: Listener): ReleaseStore {
  return {
    submit: (...submissions) => submit(context, submissions),
    load: (release, known) => load(context, release, known),
    claim: (release, driver) => claim(context, release, driver),
    renew: (mine) => renew(context, mine),
    append: (mine, events, expectedSize) => append(context, mine, events, expectedSize),
    acquireLock: (mine) => acquireLock(context, mine),
    park: (mine, expectedSize, wakeAt) => park(context, mine, expectedSize, wakeAt),
    seal: (mine, checkpoint) => seal(context, mine, checkpoint),
    postponeSeal: (mine, reason, until) => postponeSeal(context, mine, reason, until),
    request: (release, actor, event) => request(context, release, actor, event),
    list: (filter) => list(context, filter),
    resolve: (idOrPrefix, filter) => resolve(context, idOrPrefix, filter),
    lockOf: (service, environment) => lockOf(context, lockKey({ service, environment })),
    lastServing: (service, environment) => lastServing(context, service, environment),
    changed: (release, size, signal) =>
      waitForChange({ listener, clock: context.clock, size: () => sizeOf(context, release) }, release, size, signal),
  };
}

async function readHealth(
  { session, clock }: Pick<Context, 'clock'> & { readonly session: Session },
  embedded: boolean,
  listener: Listener,
): Promise<StoreHealth> {
  return session.again(async () => {
    const before = clock.monotonic();
    const { rows } = await session.pool.query<{ readonly server: string }>(`select current_setting('server_version') as server`);
    return { server: rows[0]?.server ?? 'unknown', embedded, notifications: listener.connected(), roundTripMs: clock.monotonic() - before };
  });
}
