import type { BenchFlag, BenchUser } from './flags.ts';

/** Which flag is evaluated for which user, by their indices. */
export interface Picks {
  readonly flags: Uint32Array;
  readonly users: Uint32Array;
}

/** A library with flags and users in its own form, ready to evaluate. */
export interface Subject {
  /** What must stay in memory: definitions, where the library does not hold them itself. */
  readonly held?: unknown;
  /** Evaluates all picks, one after the other; how many were true. */
  readonly run: (picks: Picks) => number | Promise<number>;
  readonly close: () => void | Promise<void>;
}

export type Load = (flags: readonly BenchFlag[], users: readonly BenchUser[]) => Subject | Promise<Subject>;

/** Written out here, so that no subject's loop is better than another's. */
export function countTrue({ flags, users }: Picks, evaluate: (flag: number, user: number) => boolean): number {
  let count = 0;
  for (let at = 0; at < flags.length; at++) if (evaluate(flags[at] as number, users[at] as number)) count++;
  return count;
}

export async function countTrueLater({ flags, users }: Picks, evaluate: (flag: number, user: number) => Promise<boolean>): Promise<number> {
  let count = 0;
  for (let at = 0; at < flags.length; at++) if (await evaluate(flags[at] as number, users[at] as number)) count++;
  return count;
}
