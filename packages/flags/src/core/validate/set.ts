import { compile } from '../compile.ts';
import { compileCondition, conditionsOf } from '../condition.ts';
import type { Condition, Flag, FlagSet, Segment } from '../definition.ts';
import { orderOf, withRequired } from '../order.ts';
import { checkCondition } from './condition.ts';
import { checkFlag, variantNames, type Known } from './flag.ts';
import { at, entriesOf, fieldsOf, isFull, refuse, textOf, wholeOf, type Place, type Problem } from './shape.ts';

const [MAX_FLAGS, MAX_SEGMENTS] = [50_000, 10_000];
const [MAX_NAME, MAX_TEXT] = [100, 5_000];
const SEGMENT = /^[a-z0-9]+(?:[_-][a-z0-9]+)*$/;

/** What stands beside a flag or a segment that is written. */
export type Beside = Pick<FlagSet, 'flags' | 'segments'>;

/** Everything that is wrong with a flag set, with where; empty when nothing is. What passes compiles. Throws for nothing. */
export function validate(set: unknown): readonly Problem[] {
  const root: Place = { path: '', problems: [] };
  const fields = fieldsOf(root, set, ['format', 'environment', 'seq', 'flags', 'segments']);
  if (fields === null) return root.problems;
  if (fields['format'] !== 1) refuse(at(root, 'format'), 'must be 1');
  textOf(at(root, 'environment'), fields['environment'], 1, MAX_NAME);
  wholeOf(at(root, 'seq'), fields['seq'], 0, Number.MAX_SAFE_INTEGER);
  const flags = entriesOf(at(root, 'flags'), fields['flags'], 0, MAX_FLAGS);
  const segments = entriesOf(at(root, 'segments'), fields['segments'], 0, MAX_SEGMENTS);
  const known: Known = {
    segments: new Set(segments.map(([key]) => key)),
    variantsOf: new Map(flags.map(([key, flag]) => [key, variantNames(flag)])),
  };
  const isSound = (check: () => void): boolean => {
    const before = root.problems.length;
    check();
    return root.problems.length === before;
  };
  const soundSegments = segments.filter(([key, segment]) =>
    isSound(() => checkSegment(at(at(root, 'segments'), key), key, segment, known.segments)),
  );
  const soundFlags = flags.filter(([key, flag]) => isSound(() => checkFlag(at(at(root, 'flags'), key), key, flag, known)));
  // Where there are more problems than are told, it is not known any more what is sound.
  if (!isFull(root)) checkWhole(root, soundPart(soundFlags as Entries<Flag>, soundSegments as Entries<Segment>));
  return root.problems;
}

type Entries<T> = readonly (readonly [key: string, one: T])[];

/** Flags and segments that are right by themselves and lean on nothing that is not: of them it can be said what the whole is worth. */
function soundPart(flags: Entries<Flag>, segments: Entries<Segment>): Beside {
  const left = withoutDangling(new Map(segments), ({ when }, all) => segmentsIn(when).every((name) => all.has(name)));
  const kept = withoutDangling(
    new Map(flags),
    ({ rules, prerequisites }, all) =>
      prerequisites.every(({ flag }) => all.has(flag)) && rules.every(({ when }) => segmentsIn(when).every((name) => left.has(name))),
  );
  return { flags: Object.fromEntries(kept), segments: Object.fromEntries(left) };
}

/** Takes away what does not hold among the others, until all that is left does. */
function withoutDangling<T>(all: Map<string, T>, holds: (one: T, all: ReadonlyMap<string, T>) => boolean): ReadonlyMap<string, T> {
  for (let before = -1; before !== all.size;) {
    before = all.size;
    for (const [key, one] of all) if (!holds(one, all)) all.delete(key);
  }
  return all;
}

function segmentsIn(condition: Condition): readonly string[] {
  if ('segment' in condition) return [condition.segment];
  if ('not' in condition) return segmentsIn(condition.not);
  if ('all' in condition) return condition.all.flatMap(segmentsIn);
  return 'any' in condition ? condition.any.flatMap(segmentsIn) : [];
}

/** What is wrong with one flag that is about to be written beside others, which are taken to be right. */
export function validateFlag(key: string, flag: unknown, beside: Beside): readonly Problem[] {
  const place: Place = at(at({ path: '', problems: [] }, 'flags'), key);
  const variantsOf = new Map(Object.entries(beside.flags).map(([other, one]) => [other, variantNames(one)]));
  variantsOf.set(key, variantNames(flag));
  checkFlag(place, key, flag, { segments: new Set(Object.keys(beside.segments)), variantsOf });
  if (place.problems.length > 0) return place.problems;
  const needed = withRequired(key, { ...beside.flags, [key]: flag as Flag });
  checkWhole({ ...place, path: '' }, { flags: needed, segments: beside.segments });
  return place.problems;
}

/** What is wrong with one segment that is about to be written beside others, which are taken to be right. */
export function validateSegment(key: string, segment: unknown, beside: Beside): readonly Problem[] {
  const place: Place = at(at({ path: '', problems: [] }, 'segments'), key);
  const names = new Set([...Object.keys(beside.segments), key]);
  checkSegment(place, key, segment, names);
  if (place.problems.length > 0) return place.problems;
  checkWhole({ ...place, path: '' }, { ...beside, segments: { ...beside.segments, [key]: segment as Segment } });
  return place.problems;
}

function checkSegment(place: Place, key: string, segment: unknown, names: ReadonlySet<string>): void {
  if (key.length > MAX_NAME || !SEGMENT.test(key))
    refuse(place, 'must be named in small letters, digits, "-" and "_", with at most 100 characters');
  const fields = fieldsOf(place, segment, ['description', 'when']);
  if (fields === null) return;
  textOf(at(place, 'description'), fields['description'], 0, MAX_TEXT);
  checkCondition(at(place, 'when'), fields['when'], names);
}

/** What shows only when all is put together: circles, depth and cost. */
function checkWhole(root: Place, { flags: all, segments }: Beside): void {
  const set: FlagSet = { format: 1, environment: '', seq: 0, flags: all, segments };
  const conditions = conditionsOf(set.segments);
  for (const key of Object.keys(set.segments)) {
    try {
      compileCondition(conditions, { segment: key }, 's');
    } catch (error) {
      refuse(at(at(root, 'segments'), key), error instanceof Error ? error.message : 'cannot be compiled');
    }
  }
  const flags = new Map(Object.entries(set.flags));
  const { circular } = orderOf(flags);
  for (const { flag, message } of compile(set).problems) {
    const circle = circular.has(flag) ? circleOf(flag, flags) : null;
    refuse(at(at(root, 'flags'), flag), circle === null ? message : `requires itself: ${circle.join(' requires ')}`);
  }
}

/** The shortest way from a flag, by prerequisites, back to itself; null when there is none. */
function circleOf(key: string, flags: ReadonlyMap<string, Flag>): readonly string[] | null {
  const cameFrom = new Map<string, string>();
  const todo = [key];
  for (const one of todo) {
    for (const { flag } of flags.get(one)?.prerequisites ?? []) {
      if (flag === key) return [...wayTo(one, cameFrom), key];
      if (cameFrom.has(flag)) continue;
      cameFrom.set(flag, one);
      todo.push(flag);
    }
  }
  return null;
}

function wayTo(last: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [last];
  for (let from = cameFrom.get(last); from !== undefined; from = cameFrom.get(from)) way.unshift(from);
  return way;
}
