import type { FlagSet } from '../core/definition.ts';
import type { Document } from '../core/stream/wire.ts';
import type { Evaluating } from './evaluating.ts';
import type { FollowingParts } from './following.ts';
import type { Health } from './health.ts';
import type { Applied } from './intake.ts';
import type { Trust } from './trust.ts';
import type { Refused } from './words.ts';
import type { Ready, Source, State, Status } from './types.ts';

/** Where a client stands: what it evaluates with, how old that may be, and whether its start is over. */
export interface Standing {
  readonly ready: Promise<Ready>;
  readonly status: () => Status;
  source(): Source;
  /** What is evaluated comes from there now. */
  comesFrom(source: Source): void;
  trusts(trust: Trust): void;
  trusted(): readonly string[];
  /** The start is over, whatever it ended in. */
  settle(): void;
  /** Tells of the state when it is another one. */
  looked(): void;
  closed(): void;
}

const NO_FLAGS = { environment: null, seq: null };

function flagsOf(evaluating: Evaluating): Pick<Status, 'environment' | 'seq'> {
  const { environment, seq } = evaluating.current();
  return { environment, seq };
}

export function createStanding({ checked, platform, evaluating, events }: FollowingParts, health: Health): Standing {
  const beganAt = platform.monotonic();
  let source: Source = 'defaults';
  let trust: Trust | null = null;
  let phase: 'begun' | 'ready' | 'closed' = 'begun';
  let lastState: State = 'NOT_READY';
  let resolve: (ready: Ready) => void = () => undefined;
  const ready = new Promise<Ready>((done) => {
    resolve = done;
  });

  const state = (): State => {
    if (phase === 'ready') return health.state(source !== 'defaults');
    return phase === 'begun' ? 'NOT_READY' : 'CLOSED';
  };
  const flags = (): Pick<Status, 'environment' | 'seq'> => (source === 'defaults' ? NO_FLAGS : flagsOf(evaluating));
  const trusted = (): readonly string[] => trust?.keys() ?? checked.keys;
  const status = (): Status => {
    const now = state();
    const staleForMs = now === 'READY' ? 0 : health.silentForMs();
    const trusting = { trust: checked.keys.length > 0 ? 'pinned' : 'first-use', keys: trusted() } as const;
    return { state: now, source, ...flags(), staleForMs, refused: health.refusals(), ...trusting, problem: health.problem() };
  };
  const looked = (): void => {
    const now = state();
    if (now === lastState) return;
    if (lastState !== 'NOT_READY') tellState(checked, now, health.problem());
    lastState = now;
    events.emit('state', status());
  };
  const settle = (): void => {
    if (phase !== 'begun') return;
    phase = 'ready';
    stopWaiting();
    const problem = source === 'server' ? null : (health.problem() ?? `nothing was heard of the server within ${checked.initTimeoutMs} ms`);
    if (problem !== null) checked.log('warn', `begins with ${source}: ${problem}`);
    resolve({ source, ...flags(), waitedMs: Math.round(platform.monotonic() - beganAt), problem });
    looked();
  };
  // A service that waits for `ready` before it listens has nothing else that keeps it alive.
  const stopWaiting = platform.after(checked.initTimeoutMs, settle, 'holds');
  return {
    ready,
    status,
    source: () => source,
    comesFrom: (next) => void (source = next),
    trusts: (found) => void (trust = found),
    trusted,
    settle,
    looked,
    closed: () => {
      settle();
      phase = 'closed';
      looked();
    },
  };
}

/** Once, and not with every try: what went wrong a moment ago and is well again is no news. */
function tellState({ log }: FollowingParts['checked'], state: State, problem: string | null): void {
  if (state === 'READY') log('info', 'the flags are up to date again');
  else if (state !== 'CLOSED') log(state === 'ERROR' ? 'error' : 'warn', `${state}: ${problem ?? 'nothing was heard of the server'}`);
}

/** What happens to a client. */
export interface Life {
  /** Flags to begin with, and for how long it has not been known whether there is anything newer. */
  began(set: FlagSet, source: Source, silentForMs: number): void;
  /** The server sent flags, and they were taken. */
  readonly applied: (what: Applied) => void;
  /** Up to `ageMs` ago, what the client has was all there is. */
  readonly heard: (ageMs: number) => void;
  readonly failed: (error: unknown) => void;
  readonly refused: (what: Refused) => void;
  /** The server showed older flags, and asking again did not clear it up. */
  readonly doubted: () => void;
}

export function createLife({ checked, platform, lastGood, evaluating, events }: FollowingParts, health: Health, standing: Standing): Life {
  const keep = async (what: Applied): Promise<void> => {
    try {
      await lastGood?.applied(what, standing.trusted());
    } catch (error) {
      checked.log('warn', `the last good flags could not be kept: ${String(error)}`);
    }
  };
  return {
    began: (set, from, silentForMs) => {
      health.heard(silentForMs);
      evaluating.put(set, silentForMs);
      standing.comesFrom(from);
    },
    applied: (what) => {
      const before = standing.source();
      const isNew = before === 'defaults' || before === 'bootstrap' || what.isOther || evaluating.current().seq !== what.set.seq;
      if (before === 'defaults' && checked.keys.length === 0) {
        checked.log('info', `no keys are pinned: trusts ${standing.trusted().join(', ')}, which came first`);
      }
      evaluating.put(what.set, 0);
      standing.comesFrom('server');
      for (const { flag, message } of evaluating.current().problems) checked.log('error', `the flag ${JSON.stringify(flag)} ${message}`);
      void keep(what);
      if (isNew) events.emit('change', { environment: what.set.environment, seq: what.set.seq, flags: changedBy(what.document) });
    },
    heard: (ageMs) => {
      health.heard(ageMs);
      // The server says that there is nothing newer than what was kept: so it is the server's.
      if (standing.source() === 'last-good') standing.comesFrom('server');
      evaluating.looked(health.silentForMs());
      // A file that is not there (the disk was full) has no time to be set; what matters was said when it was written.
      lastGood?.heard(platform.now() - ageMs).catch(() => undefined);
      standing.settle();
      standing.looked();
    },
    failed: (error) => {
      health.failed(error);
      if (health.isRejected()) standing.settle();
      standing.looked();
    },
    refused: (what) => {
      health.refused(what);
      checked.log('error', `refused: ${health.problem()}`);
    },
    doubted: () => {
      health.doubted();
      standing.looked();
    },
  };
}

/** Null: any flag may be another one now. */
function changedBy(document: Document): readonly string[] | null {
  if (document.kind === 'snapshot' || document.removedSegments.length > 0 || Object.keys(document.segments).length > 0) return null;
  return [...Object.keys(document.flags), ...document.removedFlags];
}
