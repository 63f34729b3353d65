import { SlipwayError, toIso, type Clock } from '../../kernel/index.ts';
import type { FlagFiles } from '../core/files/declaration.ts';
import { fileDifferences, type FileDifference } from '../core/files/diff.ts';
import { resolveFiles, type Gap, type Origins } from '../core/files/resolve.ts';
import type { FlagSet } from '../../../packages/flags/src/core/definition.ts';
import type { FlagChange, FlagStore, StoredFlags } from '../ports.ts';
import { setWith, type Target } from '../core/targets.ts';
import { refuseKilled } from '../killed.ts';
import { newProblems } from '../problems.ts';
import { placed, type FilesProblem } from './problems.ts';
import { judge, planApply, type ApplyPlan, type Judged } from './judge.ts';

export interface FileDeps {
  readonly store: FlagStore;
  readonly clock: Clock;
}

/** Files beside an environment of the server. */
export interface Compared {
  readonly environment: string;
  readonly stored: StoredFlags;
  /** What the files want there. */
  readonly wanted: FlagSet;
  readonly origins: Origins;
  readonly judged: readonly Judged[];
}

/** How many changes of a key are looked through for the newest that the files have. */
const NEWEST = 200;

/** Reads an environment and compares the files with it. `pulled` is the change up to which it was brought into the files. */
export async function compareFiles(
  deps: FileDeps,
  files: FlagFiles,
  environment: string,
  pulled: number,
): Promise<Compared & { readonly gaps: readonly Gap[] }> {
  const stored = await deps.store.read(environment);
  const { set } = stored;
  if (pulled > set.seq)
    throw new SlipwayError(
      'flag_conflict',
      `The files were pulled from ${environment} at change ${pulled}, and this server is at ${set.seq}: it is another one, or was set back`,
      {
        hint: 'Check SLIPWAY_DATABASE_URL. If this is the server, delete flags/pulled.json and run `slipway flag pull`.',
      },
    );
  const now = toIso(deps.clock.now());
  const origins = { createdAt: (flag: string) => (Object.hasOwn(set.flags, flag) ? set.flags[flag]?.about.createdAt : undefined) ?? now };
  const { set: wanted, gaps } = resolveFiles(files, environment, origins);
  const found = fileDifferences(set, wanted);
  const judged: Judged[] = [];
  for (const one of found) judged.push(judge(one, await deps.store.history(environment, { key: one.key, limit: NEWEST }), pulled));
  return { environment, stored, wanted, origins, gaps, judged };
}

/** What is wrong with flags as they would be with the plan done, whether they come from the files or stay as they are on the server. */
export function problemsAfter({ stored }: Compared, { applied }: ApplyPlan): readonly FilesProblem[] {
  // As a whole alone: each of thousands by itself would take as long as there are flags.
  return placed(newProblems(stored.set, setWith(stored.set, applied.map(targetOf))));
}

function targetOf(difference: FileDifference): Target {
  return difference.kind === 'flag'
    ? { kind: 'flag', key: difference.key, after: difference.files }
    : { kind: 'segment', key: difference.key, after: difference.files };
}

export interface ApplyRequest {
  readonly actor: string;
  readonly reason: string;
  /** Keys whose state on the server may be lost. */
  readonly overwrite: ReadonlySet<string>;
}

/** The plan for an apply. */
export function planOf({ judged, stored }: Compared, overwrite: ReadonlySet<string>): ApplyPlan {
  return planApply(judged, stored, overwrite);
}

/**
 * Whether a plan may be done.
 * @throws SlipwayError `flag_conflict` when something of it was changed on the server since, `flag_invalid`, and `not_possible_now` for
 *   a killed flag that would be on again, whatever is overwritten
 */
export async function checkApply({ store }: Pick<FileDeps, 'store'>, compared: Compared, plan: ApplyPlan): Promise<void> {
  const { environment, stored } = compared;
  if (plan.conflicts.length > 0)
    throw new SlipwayError(
      'flag_conflict',
      `Changed in ${environment} since the files had it: ${plan.conflicts.map(({ difference }) => difference.key).join(', ')}`,
      {
        hint: `\`slipway flag pull -e ${environment}\` brings the changes into the files; --overwrite KEY gives one of them up.`,
      },
    );
  const [problem] = problemsAfter(compared, plan);
  if (problem !== undefined) throw new SlipwayError('flag_invalid', `${[problem.key, ...problem.path].join('.')} ${problem.message}`);
  await refuseKilled(store, stored.set, plan.applied.map(targetOf));
}

/**
 * Writes all that differs as one change. Null when there is nothing to write.
 * @throws SlipwayError as {@link checkApply}; `flag_conflict` when anything is changed while this runs
 */
export async function applyFiles(
  { store }: Pick<FileDeps, 'store'>,
  compared: Compared,
  { actor, reason, overwrite }: ApplyRequest,
): Promise<FlagChange | null> {
  const plan = planOf(compared, overwrite);
  const { environment } = compared;
  await checkApply({ store }, compared, plan);
  if (plan.writes.length === 0) return null;
  const change = { environment, actor, reason, action: 'import', acknowledge: false, writes: plan.writes } as const;
  const made = await store.commitChecked(compared.stored.set.seq, change);
  if (made !== null) return made;
  throw new SlipwayError('flag_conflict', `Something else in ${environment} was changed at the same moment`, { hint: 'Apply once more.' });
}
