import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import type { ConstructorOptions, KyselyTransactionLike, PgBoss } from 'pg-boss';
import { messageOf, type Instant, type Log } from '../kernel/index.ts';

/** Everything pg-boss is asked for goes through this file and wakeups.ts, so that it can be replaced. */
const BOSS_SCHEMA = 'slipway_boss';

/** The channel that tells the workers of a queue that a wake-up was sent; its payload is the queue's name. */
export const WAKE_CHANNEL = 'slipway_wake';

const DAY_S = 86_400;

/**
 * `standard` policy: two wake-ups for one release may be active at once, because the claim decides who drives; `singleton`
 * would hold up every release behind one that is being driven.
 * The heartbeat frees the wake-up of a dead worker; the expiry is only a backstop, as driving may take a day.
 */
const QUEUE = {
  policy: 'standard',
  heartbeatSeconds: 20,
  expireInSeconds: DAY_S - 60,
  retryLimit: 1_000,
  retryDelay: 1,
  retryBackoff: true,
  retryDelayMax: 60,
  retentionSeconds: 365 * DAY_S,
  deleteAfterSeconds: 3_600,
} as const;

/** The queue of a node; node names hold paths, queue names may not. */
export function queueOf(node: string): string {
  return `drive-${createHash('sha256').update(node).digest('hex').slice(0, 24)}`;
}

/**
 * pg-boss over the store's own pool. Its errors are logged: it tries again by itself, and lost wake-ups are found by the sweeper.
 * Loaded here, because a command that only reads the store needs none of it.
 */
export async function createBoss(pool: Pool, log: Log, options: ConstructorOptions = {}): Promise<PgBoss> {
  const { PgBoss } = await import('pg-boss');
  const boss = new PgBoss({
    db: { executeSql: (text, values) => pool.query(text, values) },
    schema: BOSS_SCHEMA,
    migrate: false,
    schedule: false,
    supervise: false,
    ...options,
  });
  boss.on('error', (error) => log('warn', `wake-up queue: ${messageOf(error)}`));
  boss.on('warning', (warning) => log('debug', `wake-up queue: ${warning.message}`));
  return boss;
}

/** Creates or upgrades pg-boss's own tables. */
export async function installQueues(pool: Pool): Promise<void> {
  const boss = await createBoss(pool, () => undefined, { migrate: true });
  await boss.start();
  await boss.stop({ graceful: false, close: false });
}

/** One wake-up. `reason` names it: the same release and reason is the same wake-up, however often it is sent. */
export interface Wake {
  readonly release: string;
  readonly node: string;
  readonly reason: string;
  /** Not before this moment; null: now. */
  readonly at: Instant | null;
}

export interface WakeSender {
  /** Makes sure the node's queue exists; outside transactions, once per process. */
  prepare(node: string): Promise<void>;
  /** Sends in the caller's transaction: the wake-up exists exactly when the state that needs it does. */
  send(transaction: KyselyTransactionLike, wake: Wake): Promise<void>;
}

/** @param open makes a pg-boss over a connection of its own: it looks queues up by itself, also while a transaction of ours is open */
export function createWakeSender(open: () => Promise<PgBoss>): WakeSender {
  const queues = new Map<string, Promise<void>>();
  let opened: Promise<PgBoss> | null = null;
  const boss = (): Promise<PgBoss> => (opened ??= open());
  return {
    prepare: (node) => {
      const queue = queueOf(node);
      const made = queues.get(queue) ?? boss().then((one) => one.createQueue(queue, QUEUE));
      queues.set(queue, made);
      made.catch(() => queues.delete(queue));
      return made;
    },
    send: async (transaction, wake) => {
      const { fromKysely } = await import('pg-boss');
      const db = fromKysely(transaction);
      const queue = queueOf(wake.node);
      const when = wake.at === null ? {} : { startAfter: new Date(wake.at) };
      await (await boss()).send(queue, { release: wake.release }, { id: wakeId(wake), singletonKey: wake.release, db, ...when });
      if (wake.at === null) await db.executeSql('select pg_notify($1, $2)', [WAKE_CHANNEL, queue]);
    },
  };
}

/** A UUID made from the wake-up's name (RFC 9562, version 8: custom). */
function wakeId(wake: Wake): string {
  const hex = createHash('sha256').update(`${wake.release}\n${wake.reason}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
