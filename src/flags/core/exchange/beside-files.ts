import type { Condition, FlagSet } from '../../../../packages/flags/src/core/definition.ts';
import type { FlagFiles } from '../files/declaration.ts';
import { flagFields, own } from '../files/diff.ts';
import { equal, type FlagKey } from '../files/render.ts';
import type { Imported, Told } from './told.ts';

/** Something of an import that the files declare already. */
export interface AlreadyDeclared {
  readonly kind: 'flag' | 'segment';
  readonly key: string;
  /** What is otherwise there and decides who is served what; `environments`: some of them have words of their own. */
  readonly differs: readonly string[];
}

/** What people know of a flag is not compared: of most of it the other system says nothing. All else decides who is served what. */
const KNOWN: ReadonlySet<string> = new Set<FlagKey>(['type', 'name', 'description', 'owner', 'tags', 'created', 'expires', 'stale']);

/** What of an import is declared already. `there` is what the files say where no environment has words of its own. */
export function alreadyDeclared(files: FlagFiles, there: FlagSet, imported: Imported): readonly AlreadyDeclared[] {
  const flags = files.flags.flatMap(({ key, environments }): AlreadyDeclared[] => {
    const [here, wanted] = [own(there.flags, key), own(imported.flags, key)];
    if (wanted === null) return [];
    const fields = here === null ? [] : flagFields(wanted, here).map(({ field }): string => field);
    return [{ kind: 'flag', key, differs: [...fields.filter((field) => !KNOWN.has(field)), ...namedIn(environments)] }];
  });
  const segments = files.segments.flatMap(({ key, environments }): AlreadyDeclared[] => {
    const [here, wanted] = [own(there.segments, key), own(imported.segments, key)];
    if (wanted === null) return [];
    const isOther = here !== null && !equal(here.when, wanted.when);
    return [{ kind: 'segment', key, differs: [...(isOther ? ['when'] : []), ...namedIn(environments)] }];
  });
  return [...flags, ...segments];
}

function namedIn(environments: object): readonly string[] {
  return Object.keys(environments).length === 0 ? [] : ['environments'];
}

/** The import without what is declared already, and without segments that nothing new asks for. Tells of what asks for something that is otherwise there. */
export function onlyNew({ flags, segments, told }: Imported, declared: readonly AlreadyDeclared[]): Imported {
  const isLeft = (kind: AlreadyDeclared['kind'], key: string): boolean => declared.some((one) => one.kind === kind && one.key === key);
  const fresh = Object.entries(flags).filter(([key]) => !isLeft('flag', key));
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    const segment = own(segments, name);
    if (segment !== null && !isLeft('segment', name)) segmentsIn(segment.when).forEach(need);
  };
  const more: Told[] = [];
  for (const [key, { rules, prerequisites }] of fresh) {
    const asks = [...new Set(rules.flatMap(({ when }) => segmentsIn(when)))];
    asks.forEach(need);
    const others = [
      ...asks.map((name) => ({ kind: 'segment', key: name })),
      ...prerequisites.map((one) => ({ kind: 'flag', key: one.flag })),
    ];
    for (const other of others)
      if (declared.some((one) => one.kind === other.kind && one.key === other.key && one.differs.length > 0))
        more.push({ flag: key, kind: 'differs', message: `asks for the ${other.kind} ${other.key}, which is otherwise in the files` });
  }
  const groups = Object.entries(segments).filter(([key]) => needed.has(key) && !isLeft('segment', key));
  return { flags: Object.fromEntries(fresh), segments: Object.fromEntries(groups), told: [...told, ...more] };
}

/** Names of the segments that a condition asks for itself. */
function segmentsIn(condition: Condition): readonly string[] {
  if ('segment' in condition) return [condition.segment];
  if ('not' in condition) return segmentsIn(condition.not);
  if ('all' in condition) return condition.all.flatMap(segmentsIn);
  return 'any' in condition ? condition.any.flatMap(segmentsIn) : [];
}
