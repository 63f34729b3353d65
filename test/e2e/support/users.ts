import { Pool } from 'undici';
import { systemClock } from '../../../src/kernel/index.ts';

/** What users met, by the version that answered them. */
export interface Met {
  readonly requests: number;
  readonly failed: number;
  /** When the first and the last failure was seen, in ms since the epoch; null without any. */
  readonly firstFailedAt: number | null;
  readonly lastFailedAt: number | null;
}

/** One answer of a version, whatever its status; what the router answers by itself is none. */
export interface Answer {
  /** In ms since the epoch. */
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly version: string;
  readonly user: User;
}

/** Who asks, and for what. */
export interface User {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The part of the requests that a version answered, from its first one to its last: as they were sent, for a version that stands still answers later. */
export function shareOf(version: string, answers: readonly Answer[]): number {
  const isIts = (answer: Answer): boolean => answer.version === version;
  const sent = answers.toSorted((a, b) => a.sentAt - b.sentAt);
  const between = sent.slice(sent.findIndex(isIts), sent.findLastIndex(isIts) + 1);
  return between.filter(isIts).length / between.length;
}

const ANYBODY: readonly User[] = [{ path: '/' }];

/** Users who ask at a steady pace until told to stop, whatever they are answered. */
export interface Users {
  met(): Met;
  /** Every answer so far, as they came. */
  answers(): readonly Answer[];
  /** Forgets what was met so far. */
  forget(): void;
  stop(): Promise<Met>;
}

/** Sends `perSecond` requests to a local port, each when it is due and not when the one before was answered; users take turns. */
export function sendUsers(port: number, perSecond: number, everybody = ANYBODY): Users {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 128 });
  let requests = 0;
  let failedAt: number[] = [];
  let answers: Answer[] = [];
  const stopped = new AbortController();
  const ask = async (): Promise<void> => {
    const user = everybody[requests++ % everybody.length] ?? { path: '/' };
    const sentAt = systemClock.now();
    try {
      const { statusCode, body } = await pool.request({ ...user, method: 'GET' });
      const version = /"version":"([^"]+)"/.exec(await body.text())?.[1];
      if (version !== undefined) answers.push({ sentAt, answeredAt: systemClock.now(), version, user });
      if (statusCode >= 500) failedAt.push(systemClock.now());
    } catch {
      failedAt.push(systemClock.now());
    }
  };
  const running = (async () => {
    const begun = systemClock.monotonic();
    for (let sent = 0; !stopped.signal.aborted; sent++) {
      await systemClock.sleep(Math.max(0, begun + (sent * 1_000) / perSecond - systemClock.monotonic()));
      void ask();
    }
  })();
  const met = (): Met => ({
    requests,
    failed: failedAt.length,
    firstFailedAt: failedAt[0] ?? null,
    lastFailedAt: failedAt.at(-1) ?? null,
  });
  return {
    met,
    answers: () => answers,
    forget: () => {
      requests = 0;
      answers = [];
      failedAt = [];
    },
    stop: async () => {
      stopped.abort();
      await running;
      await pool.close();
      return met();
    },
  };
}
