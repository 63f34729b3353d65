import type { FlagStore } from '../../flags/index.ts';
import type { Clock, Faults, Log } from '../../kernel/index.ts';
import type { Listener } from '../listener.ts';
import type { Session } from '../session.ts';
import { commitAt, commitChange } from './commit.ts';
import { changesSince, environmentsOf, historyOf, newestOf, newestOfKeys, readFlags, storeTime } from './reads.ts';
import { needsReasons, requireReasons } from './reasons.ts';
import { beginHistory } from './restored.ts';
import { subscribeToFlags } from './subscribe.ts';

export interface FlagStoreParts {
  readonly session: Session;
  readonly listener: Listener;
  readonly clock: Clock;
  readonly log: Log;
  readonly faults: Faults;
  /** Ends what subscribers started. */
  readonly closing: AbortSignal;
}

/** Flags in PostgreSQL. */
export function createFlagStore({ session, listener, clock, log, faults, closing }: FlagStoreParts): FlagStore {
  const newest = () => newestOf(session);
  return {
    environments: () => environmentsOf(session),
    read: (environment) => readFlags(session, environment),
    commit: (change) => commitChange(session, faults, change),
    commitChecked: (checkedAt, change) => commitAt(session, faults, { change, checkedAt }),
    changesSince: (environment, seq, history) => changesSince(session, environment, seq, history ?? null),
    newestOf: (environment, keys, each) => newestOfKeys(session, environment, keys, each),
    history: (environment, query) => historyOf(session, environment, query),
    restored: (environment, by) => beginHistory(session, { environment, actor: by.actor, reason: by.reason }),
    needsReasons: (environment) => needsReasons(session, environment),
    requireReasons: (environment, required, by) => requireReasons(session, { environment, required, actor: by.actor, reason: by.reason }),
    now: () => storeTime(session),
    subscribe: (heard) => subscribeToFlags({ listener, clock, log, newest }, heard, closing),
  };
}
