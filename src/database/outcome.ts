import type { MigrationSession } from './session.ts';
import type { Problem } from './statement.ts';

/** How a file ended. `changed` is false only when it certainly left nothing behind in this run. */
export type FileOutcome =
  | { readonly ok: true; readonly attempts: number }
  | { readonly ok: false; readonly verdict: 'fail' | 'unknown'; readonly reason: string; readonly changed: boolean };

const FIRST_PAUSE_MS = 100;
/** Between two tries nobody waits for the migration, and it waits no longer than this after the lock is free. */
const LONGEST_PAUSE_MS = 1_000;
const DEFAULT_RETRIES = 120;

/** A reason that says how often it was tried. */
export function withAttempts(reason: string, attempts: number): string {
  return attempts === 1
    ? reason
    : `${reason}\n  tried ${attempts} times; the lock timeout is never raised, so that users do not queue behind a migration`;
}

/** Tries again while the problem may pass, with pauses of 100 ms, doubled up to 1 s. */
export async function withRetries<P extends Problem>(
  session: MigrationSession,
  attempt: () => Promise<P | null>,
): Promise<{ readonly problem: P | null; readonly attempts: number }> {
  const { request } = session;
  const most = 1 + (request.lockRetries ?? DEFAULT_RETRIES);
  for (let attempts = 1; ; attempts += 1) {
    const problem = await attempt();
    if (problem === null || !problem.retry || attempts === most) return { problem, attempts };
    request.onProgress?.(`try ${attempts} of ${most} gave up: ${problem.reason}`);
    await request.effects.clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempts - 1)), request.signal);
  }
}
