import type { Flag, Segment } from '../../packages/flags/src/core/definition.ts';
import { SlipwayError } from '../kernel/index.ts';
import { changeFlags, wasQuicker, type Asked } from './change.ts';
import type { Target } from './core/targets.ts';
import { killOf, mayTurn } from './killed.ts';
import type { FlagAction, FlagChange, FlagStore, StoredFlags } from './ports.ts';

/** Makes a flag. @throws SlipwayError `flag_exists` when there is one of that key, `flag_invalid` */
export async function createFlag(store: FlagStore, asked: Asked, key: string, flag: Flag): Promise<FlagChange> {
  return written(
    await changeFlags(store, { ...asked, revision: null }, { action: 'create', edit: () => [{ kind: 'flag', key, after: flag }] }),
  );
}

/**
 * Changes a flag that there is. Null: it is so already.
 * @throws SlipwayError `not_found`; as `changeFlags`
 */
export function editFlag(
  store: FlagStore,
  asked: Asked,
  key: string,
  { edit, action = 'change' }: { readonly edit: (flag: Flag) => Flag; readonly action?: FlagAction },
): Promise<FlagChange | null> {
  return changeFlags(store, asked, { action, edit: (stored) => [{ kind: 'flag', key, after: edit(flagOf(stored, key).flag) }] });
}

/** @throws SlipwayError `not_found`, `flag_invalid` when another flag requires it; as `changeFlags` */
export async function deleteFlag(store: FlagStore, asked: Asked, key: string): Promise<FlagChange> {
  const edit = (stored: StoredFlags): readonly Target[] => {
    flagOf(stored, key);
    return [{ kind: 'flag', key, after: null }];
  };
  return written(await changeFlags(store, asked, { action: 'delete', edit }));
}

/** Makes or changes a segment: `edit` gets null when there is none. Null: it is so already. @throws as `changeFlags` */
export function editSegment(
  store: FlagStore,
  asked: Asked,
  key: string,
  edit: (segment: Segment | null) => Segment,
): Promise<FlagChange | null> {
  return changeFlags(store, asked, {
    action: 'change',
    edit: (stored) => [{ kind: 'segment', key, after: edit(stored.segmentRevisions.has(key) ? (stored.set.segments[key] ?? null) : null) }],
  });
}

/** @throws SlipwayError `not_found`, `flag_invalid` when a flag asks for it; as `changeFlags` */
export async function deleteSegment(store: FlagStore, asked: Asked, key: string): Promise<FlagChange> {
  const edit = (stored: StoredFlags): readonly Target[] => {
    segmentOf(stored, key);
    return [{ kind: 'segment', key, after: null }];
  };
  return written(await changeFlags(store, asked, { action: 'delete', edit }));
}

function written(change: FlagChange | null): FlagChange {
  if (change === null) throw new Error('What was not there is there, or the other way round');
  return change;
}

/**
 * Turns a flag off for everybody, whatever else it says, and asks every client to say that it did. Nothing keeps it from that but a
 * store that is away: the rest of the flags is not looked at. Off already, it is killed all the same: clients are asked once more.
 * @throws SlipwayError `usage` without a reason, `not_found`
 */
export async function killFlag(store: FlagStore, asked: Asked, key: string): Promise<FlagChange> {
  const { environment, actor, reason, revision } = asked;
  if (reason.trim() === '') throw new SlipwayError('usage', 'A kill needs a reason', { hint: 'Say why, in a few words: --reason "...".' });
  if (revision !== undefined) return commitUrgently(store, asked, { key, action: 'kill', enabled: () => Promise.resolve(false) });
  const writes = [{ kind: 'flag', key, revision: 'newest', after: (flag: Flag) => ({ ...flag, enabled: false }) }] as const;
  return store.commit({ environment, actor, reason, action: 'kill', acknowledge: true, writes });
}

/**
 * Takes a kill back: the flag is on again, and says what else it says by now; one that was off before it was killed is off.
 * @throws SlipwayError `usage` without a reason, `not_found`, `not_possible_now` when it is not killed
 */
export async function undoKill(store: FlagStore, asked: Asked, key: string): Promise<FlagChange> {
  if (asked.reason.trim() === '')
    throw new SlipwayError('usage', 'Taking a kill back needs a reason', { hint: 'Say what was repaired: --reason "...".' });
  return commitUrgently(store, asked, {
    key,
    action: 'undo-kill',
    enabled: async ({ enabled }) => {
      const kill = await killOf(store, asked.environment, key);
      if (kill !== null) return kill.wasOn;
      throw new SlipwayError('not_possible_now', `${key} is not killed in ${asked.environment}`, {
        hint: enabled ? 'It is on.' : `It was turned off otherwise: \`slipway flag on ${key} -e ${asked.environment}\` turns it on.`,
      });
    },
  });
}

interface Urgent {
  readonly key: string;
  readonly action: 'kill' | 'undo-kill';
  readonly enabled: (flag: Flag) => Promise<boolean>;
}

/** However often others change the flag in the meantime, they are not quicker: only whoever turns it on or off is looked at again. */
async function commitUrgently(store: FlagStore, asked: Asked, { key, action, enabled }: Urgent): Promise<FlagChange> {
  const { environment, actor, reason } = asked;
  for (;;) {
    const { flag, revision } = flagOf(await store.read(environment), key);
    const on = await enabled(flag);
    const after = (newest: Flag, since: readonly FlagChange[]): Flag => {
      if (since.some((change) => mayTurn(change, key))) throw new SlipwayError('flag_conflict', `${key} was turned on or off meanwhile`);
      return { ...newest, enabled: on };
    };
    const write =
      asked.revision === undefined
        ? ({ kind: 'flag', key, revision: 'newest', knows: revision, after } as const)
        : ({ kind: 'flag', key, revision: asked.revision, after: after(flag, []) } as const);
    try {
      return await store.commit({ environment, actor, reason, action, acknowledge: true, writes: [write] });
    } catch (error) {
      if (!wasQuicker(error, asked)) throw error;
    }
  }
}

/** What is said where there is none of that key, by whoever finds out. */
export class NoFlag extends SlipwayError {
  constructor(environment: string, key: string, hint?: string) {
    const usual = `Run \`slipway flag list -e ${environment}\` to see those there are; --env names another environment.`;
    super('not_found', `There is no flag ${key} in ${environment}`, { hint: hint ?? usual });
  }
}

/** @throws SlipwayError `not_found` */
export function flagOf({ set, flagRevisions }: StoredFlags, key: string): { readonly flag: Flag; readonly revision: number } {
  const revision = flagRevisions.get(key);
  const flag = revision === undefined ? undefined : set.flags[key];
  if (flag !== undefined && revision !== undefined) return { flag, revision };
  throw new NoFlag(set.environment, key);
}

/** @throws SlipwayError `not_found` */
export function segmentOf({ set, segmentRevisions }: StoredFlags, key: string): { readonly segment: Segment; readonly revision: number } {
  const revision = segmentRevisions.get(key);
  const segment = revision === undefined ? undefined : set.segments[key];
  if (segment !== undefined && revision !== undefined) return { segment, revision };
  throw new SlipwayError('not_found', `There is no segment ${key} in ${set.environment}`, {
    hint: `Run \`slipway flag segment -e ${set.environment}\` to see those there are; --env names another environment.`,
  });
}
