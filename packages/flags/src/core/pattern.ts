import { parsePattern, type PatternNode, type Range } from './pattern-parse.ts';
import { DefinitionProblem } from './problem.ts';

/**
 * Finds a pattern anywhere in a text, in time linear in the text: an automaton of Thompson's kind whose sets of places are made when they
 * are first met (as RE2 does it), never by trying and going back. So no flag can hang the service that evaluates it.
 */
export type Matcher = (text: string) => boolean;

type Instruction =
  | { readonly kind: 'set'; readonly ranges: readonly Range[] }
  /** Goes on at all of these places. */
  | { readonly kind: 'jump'; readonly to: readonly number[] }
  | { readonly kind: 'start' | 'end' | 'found' };

/** What one character may cost is in proportion to it. */
const MAX_INSTRUCTIONS = 250;
/** Sets of places that are kept; there may be exponentially many, but no more than one is made for each character. */
export const MAX_STATES = 500;

/** Places the automaton may be in at once. */
interface State {
  readonly places: readonly number[];
  readonly found: boolean;
  readonly foundAtEnd: boolean;
  /** Whatever follows, nothing is found any more. */
  readonly dead: boolean;
  /** By class of characters. */
  readonly next: (State | undefined)[];
}

function assemble(node: PatternNode, program: Instruction[]): void {
  if (program.length > MAX_INSTRUCTIONS) throw new DefinitionProblem('repeats too much');
  switch (node.kind) {
    case 'sequence':
      for (const part of node.parts) assemble(part, program);
      return;
    case 'choice':
      assembleChoice(node.parts, program);
      return;
    case 'repeat':
      assembleRepeat(node, program);
      return;
    default:
      program.push(node);
  }
}

/** @throws DefinitionProblem when the pattern is not of the subset, or too large */
export function programOf(pattern: string): readonly Instruction[] {
  const program: Instruction[] = [];
  assemble(parsePattern(pattern), program);
  program.push({ kind: 'found' });
  if (program.length > MAX_INSTRUCTIONS) throw new DefinitionProblem('repeats too much');
  return program;
}

function assembleChoice(parts: readonly PatternNode[], program: Instruction[]): void {
  const starts: number[] = [];
  const ends: number[] = [];
  const fork = program.push({ kind: 'jump', to: starts }) - 1;
  for (const part of parts) {
    starts.push(program.length);
    assemble(part, program);
    ends.push(program.push({ kind: 'jump', to: [] }) - 1);
  }
  for (const end of ends) program[end] = { kind: 'jump', to: [program.length] };
  program[fork] = { kind: 'jump', to: starts };
}

function assembleRepeat({ part, least, most }: PatternNode & { readonly kind: 'repeat' }, program: Instruction[]): void {
  const before = program.length;
  // What is empty stays so, however often.
  for (let times = 0; times < least && (times === 0 || program.length > before); times++) assemble(part, program);
  if (most === Infinity) {
    const fork = program.push({ kind: 'jump', to: [] }) - 1;
    assemble(part, program);
    program.push({ kind: 'jump', to: [fork] });
    program[fork] = { kind: 'jump', to: [fork + 1, program.length] };
    return;
  }
  const forks: number[] = [];
  for (let times = least; times < most; times++) {
    forks.push(program.push({ kind: 'jump', to: [] }) - 1);
    assemble(part, program);
  }
  for (const fork of forks) program[fork] = { kind: 'jump', to: [fork + 1, program.length] };
}

/** All places that are reached from some without reading a character. */
function reach(
  program: readonly Instruction[],
  from: readonly number[],
  at: { readonly start: boolean; readonly end: boolean },
): Set<number> {
  const seen = new Set<number>();
  const todo = [...from];
  for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const instruction = program[place];
    if (instruction?.kind === 'jump') todo.push(...instruction.to);
    else if ((instruction?.kind === 'start' && at.start) || (instruction?.kind === 'end' && at.end)) todo.push(place + 1);
  }
  return seen;
}

/** Characters that no set of the program tells apart are one class: the boundaries between classes, ascending, from 0. */
export function boundariesOf(program: readonly Instruction[]): readonly number[] {
  const ranges = program.flatMap((instruction) => (instruction.kind === 'set' ? instruction.ranges : []));
  return [...new Set([0, ...ranges.flatMap(([low, high]) => [low, high + 1])])].toSorted((a, b) => a - b);
}

function classOf(boundaries: readonly number[], point: number): number {
  let [low, high] = [0, boundaries.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((boundaries[middle] ?? Infinity) <= point) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The automaton with what it has met so far. When that is too much all of it is forgotten, and what began keeps no way to it, or texts
 * that somebody chose could fill the memory.
 */
export function automaton(program: readonly Instruction[], boundaries: readonly number[]) {
  const states = new Map<string, State>();
  const found = program.length - 1;
  const again = [...reach(program, [0], { start: false, end: false })];
  const canBegin = again.some((place) => waits(program[place]));

  const stateOf = (reached: ReadonlySet<number>): State => {
    const places = [...reached].filter((place) => waits(program[place])).toSorted((a, b) => a - b);
    const key = places.join(',');
    const known = states.get(key);
    if (known !== undefined) return known;
    if (states.size >= MAX_STATES) {
      states.clear();
      beginning = { ...beginning, next: [] };
    }
    const foundAtEnd = reach(program, places, { start: false, end: true }).has(found);
    const state = { places, found: reached.has(found), foundAtEnd, dead: !canBegin && places.length === 0, next: [] };
    states.set(key, state);
    return state;
  };
  const step = (state: State, kind: number): State => {
    const point = boundaries[kind] ?? 0;
    const moved = state.places.filter((place) => accepts(program[place], point)).map((place) => place + 1);
    const next = stateOf(reach(program, [...moved, ...again], { start: false, end: false }));
    state.next[kind] = next;
    return next;
  };
  // An empty text starts and ends at once.
  const whenEmpty = reach(program, [0], { start: true, end: true }).has(found);
  let beginning = stateOf(reach(program, [0], { start: true, end: false }));
  return { first: () => beginning, step, whenEmpty };
}

/** Whether a place is more than a way to others. */
function waits(instruction: Instruction | undefined): boolean {
  return instruction !== undefined && instruction.kind !== 'jump' && instruction.kind !== 'start';
}

function accepts(instruction: Instruction | undefined, point: number): boolean {
  return instruction?.kind === 'set' && instruction.ranges.some(([low, high]) => low <= point && point <= high);
}

/**
 * @throws DefinitionProblem when the pattern is not of the subset, or too large
 */
export function compilePattern(pattern: string): Matcher {
  const program = programOf(pattern);
  const boundaries = boundariesOf(program);
  const ascii = Array.from({ length: 128 }, (_, point) => classOf(boundaries, point));
  const { first, step, whenEmpty } = automaton(program, boundaries);
  return (text) => {
    if (text === '') return whenEmpty;
    let state = first();
    for (let at = 0; at < text.length && !state.found; at++) {
      if (state.dead) return false;
      const point = text.codePointAt(at) ?? 0;
      if (point > 0xffff) at++;
      const kind = ascii[point] ?? classOf(boundaries, point);
      state = state.next[kind] ?? step(state, kind);
    }
    return state.found || state.foundAtEnd;
  };
}

/** Why a pattern is refused; null when it is not. */
export function patternProblem(pattern: string): string | null {
  try {
    compilePattern(pattern);
    return null;
  } catch (error) {
    if (error instanceof DefinitionProblem) return error.message;
    throw error;
  }
}
