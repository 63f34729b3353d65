import type { FlagSet } from '../../packages/flags/src/core/definition.ts';
import { SlipwayError } from '../kernel/index.ts';
import { rewound } from './core/rewind.ts';
import { explain, type Context, type Explanation } from './evaluator.ts';
import type { FlagChange, FlagStore } from './ports.ts';
import { NoFlag } from './verbs.ts';

/** Why a context gets what it gets, after a change. */
export interface ExplainedFlag extends Explanation {
  readonly environment: string;
  readonly key: string;
  readonly seq: number;
}

export interface Question {
  readonly environment: string;
  readonly key: string;
  readonly context: Context;
  /** As it was after this change; null: as it is. */
  readonly seq: number | null;
}

/**
 * Evaluates a flag as clients do, and tells the way to the answer.
 * @throws SlipwayError `not_found` for a flag that was not there at that time, or a `seq` that was not reached
 */
export async function explainFlag(store: FlagStore, { environment, key, context, seq }: Question): Promise<ExplainedFlag> {
  const set = await setAt(store, environment, seq);
  if (!Object.hasOwn(set.flags, key)) refuseAbsent(environment, key, seq);
  return { environment, key, seq: set.seq, ...explain(set, key, context) };
}

function refuseAbsent(environment: string, key: string, seq: number | null): never {
  const hint = `\`slipway flag history --env ${environment}\` tells when it was made and deleted.`;
  if (seq === null) throw new NoFlag(environment, key, hint);
  throw new SlipwayError('not_found', `There was no flag ${key} in ${environment} after change ${seq}`, { hint });
}

const PAGE = 200;

/** The flags of an environment as they were after a change; null: as they are. */
async function setAt(store: FlagStore, environment: string, seq: number | null): Promise<FlagSet> {
  const { set } = await store.read(environment);
  if (seq === null || seq === set.seq) return set;
  if (seq > set.seq)
    throw new SlipwayError('not_found', `There is no change ${seq} in ${environment}; the newest is ${set.seq}`, {
      hint: `\`slipway flag history --env ${environment}\` lists them.`,
    });
  const changes: FlagChange[] = [];
  for (let before = set.seq + 1; before > seq + 1; before = changes.at(-1)?.seq ?? 0) {
    const page = await store.history(environment, { before, limit: Math.min(PAGE, before - seq - 1) });
    // Numbers that were skipped when the store was restored are of no change.
    changes.push(...page.filter((change) => change.seq > seq));
    if (page.length === 0 || page.some((change) => change.seq <= seq)) break;
  }
  return rewound(set, changes, seq);
}
