import type { Condition, Flag, FlagSet, Segment } from '../../../packages/flags/src/core/definition.ts';
import type { FlagFiles, FlagTest } from '../core/files/declaration.ts';
import { resolveWhole } from '../core/files/resolve.ts';
import { newProblems } from '../problems.ts';
import { placed, type FilesProblem } from './problems.ts';

/** The time that flags without one are taken to be made at; it decides nothing. */
const origins = { createdAt: () => '1970-01-01T00:00:00.000Z' };

export interface Around {
  /** What stands beside the files: the server's flags; null: nothing. */
  readonly server: FlagSet | null;
  /** What is not found may be in a file, or a part of one, that could not be read. */
  readonly mayDeclare: (kind: 'flag' | 'segment', key: string) => boolean;
}

/** Everything that is wrong with what the files say of an environment, so that nobody has to repair one thing to hear of the next. */
export function mistakesIn(files: FlagFiles, environment: string, { server, mayDeclare }: Around): readonly FilesProblem[] {
  const { set, gaps } = resolveWhole(files, environment, origins);
  const beside = { flags: { ...server?.flags, ...set.flags }, segments: { ...server?.segments, ...set.segments } };
  const whole = { ...set, ...beside };
  const lacking = new Set(gaps.map(({ key }) => key));
  const isOwn = ({ kind, key, path }: FilesProblem): boolean => {
    if (!Object.hasOwn(kind === 'flag' ? set.flags : set.segments, key)) return false;
    // What is missing in a flag was filled in, and is told already.
    return kind === 'segment' || !lacking.has(key) || !(path.length === 0 || FILLED_IN.has(String(path[0])));
  };
  const problems = placed(newProblems(server, withInvented(whole, mayDeclare))).filter(isOwn);
  return [...gaps, ...problems, ...testMistakes(files, environment, set.flags)];
}

const FILLED_IN = new Set(['type', 'owner', 'off', 'expires']);

const ANYBODY: Segment = { description: '', when: { attribute: 'any', operator: 'exists' } };

/** With what is referred to and could not be read. */
function withInvented(set: FlagSet, mayDeclare: Around['mayDeclare']): FlagSet {
  const flags: Record<string, Flag> = { ...set.flags };
  const segments: Record<string, Segment> = { ...set.segments };
  const conditions = [...Object.values(set.segments), ...Object.values(set.flags).flatMap(({ rules }) => rules)].map(({ when }) => when);
  for (const name of conditions.flatMap(segmentsIn))
    if (!Object.hasOwn(set.segments, name) && mayDeclare('segment', name)) segments[name] = ANYBODY;
  for (const { flag, variants } of Object.values(set.flags).flatMap(({ prerequisites }) => prerequisites))
    if (!Object.hasOwn(set.flags, flag) && mayDeclare('flag', flag)) flags[flag] = inventedFlag(flag, variants, flags[flag]);
  return { ...set, flags, segments };
}

function inventedFlag(key: string, names: readonly string[], before: Flag | undefined): Flag {
  const variants = { ...before?.variants, ...Object.fromEntries(names.map((name) => [name, name])) };
  const about = { name: '', description: '', owner: 'unknown', tags: [], createdAt: origins.createdAt(), expiresAt: null };
  const [off = ''] = names;
  const rest = { enabled: true, rules: [], prerequisites: [], salt: key, hash: 1, stale: null } as const;
  return { type: 'ops', valueType: 'string', variants, off, default: { variant: off }, about, ...rest };
}

function segmentsIn(condition: Condition): readonly string[] {
  if ('segment' in condition) return [condition.segment];
  if ('not' in condition) return segmentsIn(condition.not);
  if ('all' in condition) return condition.all.flatMap(segmentsIn);
  return 'any' in condition ? condition.any.flatMap(segmentsIn) : [];
}

/** Tests that cannot pass, whatever is served: they name what is not there. */
function testMistakes({ flags }: FlagFiles, environment: string, resolved: Readonly<Record<string, Flag>>): readonly FilesProblem[] {
  return flags.flatMap(({ key, tests }) => {
    const flag = Object.hasOwn(resolved, key) ? resolved[key] : undefined;
    return tests.flatMap((test, index) =>
      mistakesOf(test, environment, flag).map(([what, message]) => ({ kind: 'flag' as const, key, path: ['tests', index, what], message })),
    );
  });
}

function mistakesOf(
  { environments, expect }: FlagTest,
  environment: string,
  flag: Flag | undefined,
): readonly (readonly [string, string])[] {
  if (environments.length > 0 && !environments.includes(environment)) return [];
  if (flag === undefined) return environments.length === 0 ? [] : [['environment', `names ${environment}, and the flag is not there`]];
  const { variant, rule } = expect;
  const rules = flag.rules.map(({ name }) => name);
  return [...absent('variant', variant, Object.keys(flag.variants)), ...absent('rule', rule ?? undefined, rules)].map(
    (message) => ['expect', message] as const,
  );
}

function absent(what: string, name: string | undefined, there: readonly string[]): readonly string[] {
  if (name === undefined || there.includes(name)) return [];
  const known = there.length === 0 ? 'it has none' : `it has ${there.join(', ')}`;
  return [`expects the ${what} "${name}", which the flag does not have: ${known}`];
}
