import type { PgBoss } from 'pg-boss';
import { messageOf, type Duration } from '../kernel/index.ts';
import type { Wakeups } from '../release/index.ts';
import { queueOf, WAKE_CHANNEL } from './boss.ts';
import type { Context } from './context.ts';
import type { Listener } from './listener.ts';
import { sweep } from './sweeper.ts';

/** Timers are at most this late; wake-ups of events come by notification. */
const POLL_S = 1;
const SWEEP_MS: Duration = 3_000;
const GRACE_MS: Duration = 5_000;

export interface WakeupOptions {
  readonly context: Context;
  readonly listener: Listener;
  readonly node: string;
  readonly host: string;
  /** Makes a pg-boss that has not been started; called by a process that works. */
  readonly openBoss: () => Promise<PgBoss>;
}

/** Wake-ups of one node. `work` resolves once this worker listens; `stop` waits for the handlers that run. */
export function createWakeups(options: WakeupOptions): Wakeups {
  const { listener, context } = options;
  const queue = queueOf(options.node);
  const stopping = new AbortController();
  const workers: string[] = [];
  let sweeping: Promise<void> = Promise.resolve();
  let unsubscribe = (): void => undefined;
  let boss: PgBoss | null = null;
  const nudge = (): void => workers.forEach((id) => boss?.notifyWorker(id));

  return {
    work: async (slots, handle) => {
      const started = (boss = await options.openBoss());
      await context.session.again(() => started.start().then(() => context.wakes.prepare(options.node)));
      for (let slot = 0; slot < slots; slot++) {
        workers.push(
          await started.work<{ readonly release: string }>(queue, { pollingIntervalSeconds: POLL_S, batchSize: 1 }, async ([job]) => {
            if (job === undefined) return;
            // Fetched while we were stopping: given back, for another worker.
            if (stopping.signal.aborted) throw new Error('this worker is stopping');
            try {
              await handle(job.data.release);
            } finally {
              // Look for the next one at once: by itself a worker takes one per poll.
              nudge();
            }
          }),
        );
      }
      unsubscribe = listener.subscribe((channel, payload) => {
        if (channel === null || (channel === WAKE_CHANNEL && payload === queue)) nudge();
      });
      listener.start();
      // At once and without grace: whatever a killed process of this host left behind goes on now.
      await sweep(context, options.node, options.host, 0);
      sweeping = keepSweeping(options, stopping.signal);
    },
    stop: async () => {
      stopping.abort();
      unsubscribe();
      await boss?.offWork(queue, { wait: true });
      await sweeping;
      await boss?.stop({ graceful: false, close: false });
    },
  };
}

async function keepSweeping({ context, node, host }: WakeupOptions, signal: AbortSignal): Promise<void> {
  for (;;) {
    await context.clock.sleep(SWEEP_MS, signal);
    if (signal.aborted) return;
    try {
      const woken = await sweep(context, node, host, GRACE_MS);
      if (woken > 0) context.log('info', `woke ${woken} release(s) that nobody was looking at`);
    } catch (error) {
      context.log('warn', `the store could not be swept: ${messageOf(error)}`);
    }
  }
}
