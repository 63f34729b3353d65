import type { Flag, FlagChange, FlagStore } from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import { isOff } from '../core/carried-flags.ts';

/** What became of one flag that should be off. */
export type TurnedOff =
  | { readonly key: string; readonly became: 'gone' }
  | { readonly key: string; readonly became: 'was-off' }
  | { readonly key: string; readonly became: 'off'; readonly change: FlagChange; readonly before: Flag; readonly after: Flag };

export interface OffOrder {
  readonly environment: string;
  readonly key: string;
  readonly actor: string;
  readonly reason: string;
}

/** A rival who changes the flag again and again is followed this often. */
const MOST_TRIES = 20;

/**
 * Turns one flag off for everybody, whatever it says: the newest definition with `enabled: false`. Made from the revision that was
 * read, so it takes back nobody's change unseen; who was overtaken looks again. One that is off stays as it is, so a repeated call
 * (a worker died in the middle) changes nothing.
 * @param signal checked before each write: a worker that lost its lease writes nothing more
 * @throws SlipwayError what the store refuses
 */
export async function turnOff(flags: Pick<FlagStore, 'read' | 'commit'>, order: OffOrder, signal: AbortSignal): Promise<TurnedOff> {
  const { environment, key, actor, reason } = order;
  for (let tries = 1; ; tries++) {
    const stored = await flags.read(environment);
    const before = Object.hasOwn(stored.set.flags, key) ? stored.set.flags[key] : undefined;
    const revision = stored.flagRevisions.get(key);
    if (before === undefined || revision === undefined) return { key, became: 'gone' };
    if (isOff(before)) return { key, became: 'was-off' };
    const after = { ...before, enabled: false };
    signal.throwIfAborted();
    try {
      const writes = [{ kind: 'flag', key, revision, after }] as const;
      const change = await flags.commit({ environment, actor, reason, action: 'release', acknowledge: true, writes });
      return { key, became: 'off', change, before, after };
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'flag_conflict' || tries >= MOST_TRIES) throw error;
    }
  }
}
