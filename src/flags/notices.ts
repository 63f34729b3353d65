import { messageOf, type Clock, type Duration, type Faults, type Log } from '../kernel/index.ts';
import { noticeOf, type ExpiryNotice } from './core/notice.ts';
import type { FlagStore, NoticeStore } from './ports.ts';

/** Where notices of an environment go: the address for an owner. */
export type NoticeAddress = (owner: string) => string;

export interface NoticeDeps {
  readonly store: Pick<FlagStore, 'environments' | 'read' | 'now'>;
  readonly notices: NoticeStore;
  /** Null: nobody is told of this environment's flags. */
  readonly addressOf: (environment: string) => Promise<NoticeAddress | null>;
  /** Throws when it did not get there. */
  readonly send: (address: string, notice: ExpiryNotice, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly log: Log;
}

const LOOK_MS: Duration = 10 * 60_000;

/** Tells owners of flags that expire, until the signal aborts. Any number of processes may. */
export async function keepTellingOwners(deps: NoticeDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await tellOwners(deps, signal);
    await deps.clock.sleep(LOOK_MS, signal);
  }
}

/** Looks once through all environments. What cannot be told now is told at a later look. */
export async function tellOwners(deps: NoticeDeps, signal: AbortSignal): Promise<void> {
  const guarded = async <T>(what: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) deps.log('warn', `${what}; tried again later`, { error: messageOf(error) });
      return null;
    }
  };
  const environments = (await guarded('flags that expire could not be looked for', () => deps.store.environments())) ?? [];
  for (const environment of environments)
    await guarded(`owners of flags in ${environment} could not be told`, () => tellIn(deps, environment, signal));
}

async function tellIn(deps: NoticeDeps, environment: string, signal: AbortSignal): Promise<void> {
  const now = await deps.store.now();
  const { set } = await deps.store.read(environment);
  const due = Object.entries(set.flags).flatMap(([key, flag]) => noticeOf(environment, key, flag, now) ?? []);
  const addressFor = due.length === 0 ? null : await deps.addressOf(environment);
  if (addressFor === null) return;
  const failed: unknown[] = [];
  for (const notice of due) {
    if (signal.aborted) return;
    await tell(deps, addressFor, notice, signal).catch((error: unknown) => failed.push(error));
  }
  if (failed.length > 0) throw failed[0];
}

/** Nobody else tells the same for as long as the claim holds; once told, nobody ever does. */
async function tell(deps: NoticeDeps, addressFor: NoticeAddress, notice: ExpiryNotice, signal: AbortSignal): Promise<void> {
  const address = addressFor(notice.owner);
  if (!(await deps.notices.claim(notice))) return;
  deps.faults.at('notice.claimed');
  await deps.send(address, notice, signal);
  deps.faults.at('notice.sent');
  await deps.notices.sent(notice);
  const { flag, environment, owner, threshold } = notice;
  deps.log('info', 'the owner of a flag was told that it expires', { flag, environment, owner, threshold });
}
