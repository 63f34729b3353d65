import { isInstance, type Row } from './statistics.ts';

/** What became of the attempts at one instance. */
export interface Attempts {
  readonly answered: number;
  /** Ended without an answer, whoever ended them. */
  readonly unanswered: number;
  /** The same without those the client gave up; too few where clients gave up in the middle of an answer. */
  readonly failed: number;
}

/**
 * One backend as HAProxy counts it. `silent` are the requests it ended by closing the client's connection and nothing else. It does so
 * when an instance breaks a request that came on a kept connection and is not sent again, and writes no log line for it; its counts show it.
 */
export interface Unanswered {
  readonly silent: number;
  /** By the server's name. */
  readonly servers: ReadonlyMap<string, Attempts>;
}

const NONE: Attempts = { answered: 0, unanswered: 0, failed: 0 };

/** By backend; counts since the process started. One answer to `show stat` is one moment, as HAProxy has one thread. */
export function unansweredIn(rows: readonly Row[]): ReadonlyMap<string, Unanswered> {
  const backends = rows.filter(({ server }) => server === 'BACKEND');
  return new Map(
    backends.map(({ proxy, begun, answered, current }) => {
      const servers = rows.filter((row) => row.proxy === proxy && isInstance(row));
      return [proxy, { silent: begun - answered - current, servers: new Map(servers.map((row) => [row.server, attemptsOf(row)])) }];
    }),
  );
}

function attemptsOf({ begun, answered, current, givenUp }: Row): Attempts {
  const unanswered = begun - answered - current;
  return { answered, unanswered, failed: unanswered - givenUp };
}

/** What happened between two such answers of one process. */
export function unansweredSince(before: Unanswered | undefined, now: Unanswered): Unanswered {
  const servers = [...now.servers].map(([name, after]): [string, Attempts] => {
    const earlier = before?.servers.get(name) ?? NONE;
    // A server that was forgotten and is back begins at zero.
    const from = after.answered < earlier.answered ? NONE : earlier;
    const [answered, unanswered, failed] = [after.answered - from.answered, after.unanswered - from.unanswered, after.failed - from.failed];
    return [name, { answered, unanswered, failed }];
  });
  return { silent: Math.max(0, now.silent - (before?.silent ?? 0)), servers: new Map(servers) };
}
