import type { FlagSet } from '../../packages/flags/src/core/definition.ts';
import { SlipwayError } from '../kernel/index.ts';
import { currentOf, type Target } from './core/targets.ts';
import { validate, validateFlag, validateSegment, type Problem } from './evaluator.ts';

/**
 * What is wrong with a set, and was not before: all of it is looked at, because a flag may be broken by what happens to another. What is
 * written is looked at by itself too: of a set with many mistakes not all are told.
 */
export function newProblems(before: FlagSet | null, after: FlagSet, written: readonly Target[] = []): readonly Problem[] {
  const wrong = distinct([...written.flatMap((target) => problemsOf(after, target)), ...validate(after)]);
  if (wrong.size === 0 || before === null) return [...wrong.values()];
  const was = written.map((target) => Object.assign({}, target, { after: currentOf(before, target) }) as Target);
  const old = distinct([...was.flatMap((target) => problemsOf(before, target)), ...validate(before)]);
  return [...wrong].filter(([text]) => !old.has(text)).map(([, problem]) => problem);
}

function problemsOf(set: FlagSet, { kind, key, after }: Target): readonly Problem[] {
  if (after === null) return [];
  return kind === 'flag' ? validateFlag(key, after, set) : validateSegment(key, after, set);
}

function distinct(problems: readonly Problem[]): ReadonlyMap<string, Problem> {
  return new Map(problems.map((problem) => [`${problem.path} ${problem.message}`, problem]));
}

/** More are not read. */
const MOST_TOLD = 5;

/**
 * What cannot be evaluated never gets into the store: it is told to whoever writes it, not to users. What was wrong before does not keep
 * anybody from changing something else.
 * @throws SlipwayError `flag_invalid`
 */
export function refuseInvalid(before: FlagSet, after: FlagSet, written: readonly Target[] = []): void {
  const told = newProblems(before, after, written).map(({ path, message }) => `${path} ${message}`);
  if (told.length === 0) return;
  const more = told.length > MOST_TOLD ? `; and ${told.length - MOST_TOLD} more` : '';
  throw new SlipwayError('flag_invalid', `${told.slice(0, MOST_TOLD).join('; ')}${more}`);
}
