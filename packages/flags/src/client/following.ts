import type { FlagSet } from '../core/definition.ts';
import type { Emitter } from './emitter.ts';
import type { Evaluating } from './evaluating.ts';
import { feed } from './feed.ts';
import { createHealth } from './health.ts';
import { createIntake, type Intake } from './intake.ts';
import { createLife, createStanding, type Life } from './life.ts';
import type { Checked, LastGood, Saved } from './options.ts';
import type { Platform } from './platform.ts';
import type { Server } from './requests.ts';
import { createTrust } from './trust.ts';
import type { ClientEvents, Ready, Status } from './types.ts';

/** How often to look whether flags have become stale. */
const LOOK_MS = 1_000;

export interface FollowingParts {
  readonly checked: Checked;
  readonly platform: Platform;
  readonly server: Server;
  readonly lastGood: LastGood | null;
  readonly evaluating: Evaluating;
  readonly events: Emitter<ClientEvents>;
}

/** A client's life beside evaluation: where it begins, what it follows, how it is. */
export interface Following {
  readonly ready: Promise<Ready>;
  readonly status: () => Status;
  readonly stop: () => Promise<void>;
}

export function startFollowing(parts: FollowingParts): Following {
  const { checked, platform, evaluating, lastGood } = parts;
  const ending = new AbortController();
  const health = createHealth(platform, checked.staleAfterMs);
  const standing = createStanding(parts, health);
  const life = createLife(parts, health, standing);
  beginWithBootstrap(parts, life);
  const run = async (): Promise<void> => {
    const saved = await loadSaved(parts);
    const trust = createTrust(checked.keys, saved?.keys);
    standing.trusts(trust);
    let restoring = true;
    const intake = createIntake({
      trust,
      environment: checked.environment,
      wantsWhole: () => lastGood?.isLong() ?? false,
      applied: (what) => {
        if (!restoring) life.applied(what);
      },
      refused: (what) => {
        if (!restoring) life.refused(what);
      },
    });
    if (saved !== null) beginWithSaved(parts, life, saved, await takeSaved(saved, intake));
    restoring = false;
    const { heard, failed, doubted } = life;
    if (!ending.signal.aborted)
      await feed({ ...checked.timings, platform, server: parts.server, intake, heard, failed, doubted, signal: ending.signal });
  };
  const running = run().catch((error: unknown) => checked.log('error', `the client stopped following: ${String(error)}`));
  const look = (): void => {
    evaluating.looked(health.silentForMs());
    standing.looked();
    if (!ending.signal.aborted) stopLooking = platform.after(LOOK_MS, look);
  };
  let stopLooking = platform.after(LOOK_MS, look);
  return {
    ready: standing.ready,
    status: standing.status,
    stop: async () => {
      ending.abort();
      stopLooking();
      standing.closed();
      await running;
      await lastGood?.settled();
    },
  };
}

/** What was packaged is evaluated from the first moment on: nobody has to wait for it. How old it is, nobody knows. */
function beginWithBootstrap({ checked }: FollowingParts, life: Life): void {
  const { bootstrap, environment } = checked;
  if (bootstrap === null) return;
  const problem = whyNot(bootstrap, environment);
  if (problem === null) life.began(bootstrap, 'bootstrap', Number.POSITIVE_INFINITY);
  else checked.log('error', `the bootstrap is not begun with: ${problem}`);
}

async function loadSaved({ lastGood, checked }: FollowingParts): Promise<Saved | null> {
  try {
    return (await lastGood?.load()) ?? null;
  } catch (error) {
    checked.log('warn', `the last good flags of an earlier life cannot be used: ${String(error)}`);
    return null;
  }
}

function beginWithSaved({ checked, platform }: FollowingParts, life: Life, saved: Saved, { set, problem }: TakenBack): void {
  if (problem !== null) checked.log('warn', `the last good flags of an earlier life are not all right: ${problem}`);
  if (set !== null) life.began(set, 'last-good', ageOf(saved.heardAt, platform.now()));
}

/** How old what was kept is, by a clock that may have been set since; a file from the future says nothing of its age. */
function ageOf(heardAt: number, now: number): number {
  const age = now - heardAt;
  return age >= 0 ? age : Number.POSITIVE_INFINITY;
}

/** What of a last-good file is right, and why the rest is not; null: all of it is. */
interface TakenBack {
  readonly set: FlagSet | null;
  readonly problem: string | null;
}

/** Takes in what an earlier life kept: verified again, one after the other, up to the first that is not as it should be. */
async function takeSaved(saved: Saved, intake: Intake): Promise<TakenBack> {
  for (const [index, envelope] of saved.envelopes.entries()) {
    const taken = await intake.take(envelope);
    const why = taken.kind === 'refused' ? taken.why : taken.kind;
    if (taken.kind !== 'applied')
      return { set: intake.set(), problem: `${index + 1} of ${saved.envelopes.length} in it is not taken: ${why}` };
  }
  return { set: intake.set(), problem: intake.set() === null ? 'it is empty' : null };
}

/** Why a packaged set cannot be begun with; null when it can. */
function whyNot(bootstrap: FlagSet, environment: string | null): string | null {
  if (typeof bootstrap !== 'object' || bootstrap === null || bootstrap.format !== 1) return 'it is no flag set of format 1';
  if (environment === null || bootstrap.environment === environment) return null;
  return `it is of the environment ${bootstrap.environment}`;
}
