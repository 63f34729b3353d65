import { compile, type Flag, type FlagSet } from '../../packages/flags/src/index.ts';
import type { BenchFlag, BenchRules, BenchUser } from './flags.ts';
import { countTrue, type Subject } from './subject.ts';

const ABOUT = { name: '', description: '', owner: '', tags: [], createdAt: '', expiresAt: null };

function rulesOf(rules: BenchRules): Flag['rules'] {
  const conditions = [
    { attribute: 'country', operator: 'in', values: rules.countries },
    { attribute: 'email', operator: 'endsWith', values: [rules.domain] },
    { attribute: 'plan', operator: 'eq', value: rules.plan },
    { attribute: 'age', operator: 'gt', value: rules.age },
    { attribute: 'version', operator: 'semverGt', value: rules.version },
  ] as const;
  return conditions.map((when, index) => ({ name: `rule ${index}`, when, serve: { variant: 'on' } }));
}

function flagOf({ key, rules }: BenchFlag): Flag {
  const halves = [
    { variant: 'on', weight: 50_000 },
    { variant: 'off', weight: 50_000 },
  ];
  return {
    type: 'release',
    valueType: 'boolean',
    variants: { on: true, off: false },
    enabled: true,
    off: 'off',
    rules: rules === null ? [] : rulesOf(rules),
    default: rules === null ? { variant: 'on' } : { weights: halves },
    prerequisites: [],
    salt: key,
    hash: 1,
    stale: null,
    about: ABOUT,
  };
}

/** The set as it comes from a server: out of JSON, so that it shares nothing. */
function setOf(flags: readonly BenchFlag[]): FlagSet {
  const set: FlagSet = {
    format: 1,
    environment: 'bench',
    seq: 1,
    flags: Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)])),
    segments: {},
  };
  return JSON.parse(JSON.stringify(set)) as FlagSet;
}

const contextOf = ({ id, ...attributes }: BenchUser) => ({ targetingKey: id, ...attributes });

/** By the key of the flag. */
export function slipwayByKey(flags: readonly BenchFlag[], users: readonly BenchUser[]): Subject {
  const set = setOf(flags);
  const { boolean, problems } = compile(set);
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
  const keys = flags.map(({ key }) => key);
  const contexts = users.map(contextOf);
  return {
    held: set,
    run: (picks) => countTrue(picks, (flag, user) => boolean(keys[flag] as string, contexts[user], false)),
    close: () => undefined,
  };
}

/** By a handle that found the flag before. */
export function slipwayByHandle(flags: readonly BenchFlag[], users: readonly BenchUser[]): Subject {
  const set = setOf(flags);
  const evaluator = compile(set);
  const handles = flags.map(({ key }) => evaluator.flag(key));
  const contexts = users.map(contextOf);
  return {
    held: set,
    run: (picks) => countTrue(picks, (flag, user) => handles[flag]?.boolean(contexts[user], false) === true),
    close: () => undefined,
  };
}

/** How long compiling takes, which a client does for every change. */
export function compiling(flags: readonly BenchFlag[]): () => void {
  const set = setOf(flags);
  return () => void compile(set);
}
