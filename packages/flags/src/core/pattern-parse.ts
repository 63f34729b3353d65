import { DefinitionProblem } from './problem.ts';

/** Code points from `low` to `high`, both included. */
export type Range = readonly [low: number, high: number];

export type PatternNode =
  | { readonly kind: 'set'; readonly ranges: readonly Range[] }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly least: number; readonly most: number }
  | { readonly kind: 'start' | 'end' };

const MAX_LENGTH = 500;
const MAX_DEPTH = 20;
const MAX_REPEAT = 100;
const LAST_POINT = 0x10ffff;

const DIGIT: readonly Range[] = [[48, 57]];
const WORD: readonly Range[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
/** As RE2 has it: ASCII only, so that all languages agree. */
const SPACE: readonly Range[] = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const ANY = complement([[10, 10]]);

const ESCAPED_SETS: Readonly<Record<string, readonly Range[]>> = {
  d: DIGIT,
  D: complement(DIGIT),
  w: WORD,
  W: complement(WORD),
  s: SPACE,
  S: complement(SPACE),
};
const ESCAPED_CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13 };

function complement(ranges: readonly Range[]): readonly Range[] {
  const out: Range[] = [];
  let next = 0;
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (low > next) out.push([next, low - 1]);
    next = Math.max(next, high + 1);
  }
  return next <= LAST_POINT ? [...out, [next, LAST_POINT]] : out;
}

/** The rest of a pattern, read from the front. */
interface Input {
  readonly points: readonly string[];
  at: number;
  depth: number;
}

const peek = (input: Input): string | undefined => input.points[input.at];

function take(input: Input, expected: string): boolean {
  if (peek(input) !== expected) return false;
  input.at++;
  return true;
}

function next(input: Input, missing: string): string {
  const point = peek(input);
  if (point === undefined) throw new DefinitionProblem(missing);
  input.at++;
  return point;
}

/**
 * Reads a pattern of the subset that is matched in linear time and means the same in every language: literals, `.`, classes, `\d \w \s` and
 * their opposites, groups, `|`, `* + ? {m,n}`, `^` and `$`.
 * @throws DefinitionProblem for anything else
 */
export function parsePattern(pattern: string): PatternNode {
  if (pattern.length > MAX_LENGTH) throw new DefinitionProblem(`has more than ${MAX_LENGTH} characters`);
  const input: Input = { points: Array.from(pattern), at: 0, depth: 0 };
  const node = readChoice(input);
  if (peek(input) !== undefined) throw new DefinitionProblem('has a ) without a (');
  return node;
}

function readChoice(input: Input): PatternNode {
  const parts = [readSequence(input)];
  while (take(input, '|')) parts.push(readSequence(input));
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: 'choice', parts };
}

function readSequence(input: Input): PatternNode {
  const parts: PatternNode[] = [];
  for (let point = peek(input); point !== undefined && point !== '|' && point !== ')'; point = peek(input)) {
    parts.push(readRepeated(input));
  }
  return { kind: 'sequence', parts };
}

function readRepeated(input: Input): PatternNode {
  const part = readOne(input);
  const [least, most] = readQuantifier(input) ?? [1, 1];
  if (least === 1 && most === 1) return part;
  if (part.kind === 'start' || part.kind === 'end') throw new DefinitionProblem('repeats ^ or $');
  if ('*+?{'.includes(peek(input) ?? ' ')) throw new DefinitionProblem('has one quantifier after another; lazy ones mean nothing here');
  return { kind: 'repeat', part, least, most };
}

function readQuantifier(input: Input): readonly [number, number] | null {
  if (take(input, '*')) return [0, Infinity];
  if (take(input, '+')) return [1, Infinity];
  if (take(input, '?')) return [0, 1];
  return take(input, '{') ? readCount(input) : null;
}

function readCount(input: Input): readonly [number, number] {
  const end = input.points.indexOf('}', input.at);
  const text = input.points.slice(input.at, Math.max(end, input.at)).join('');
  const [, low = 'none', comma, high] = /^(\d{1,3})(,?)(\d{0,3})$/.exec(text) ?? [];
  const least = Number(low);
  const most = comma === ',' ? Number(high === '' ? Infinity : high) : least;
  // NaN is refused too.
  const counts = least <= MAX_REPEAT && least <= most && (most <= MAX_REPEAT || most === Infinity);
  if (!counts) throw new DefinitionProblem(`has a { that is no count up to ${MAX_REPEAT}; write \\{ for the character`);
  input.at = end + 1;
  return [least, most];
}

function readOne(input: Input): PatternNode {
  const point = next(input, 'ends too early');
  switch (point) {
    case '(':
      return readGroup(input);
    case '[':
      return { kind: 'set', ranges: readClass(input) };
    case '.':
      return { kind: 'set', ranges: ANY };
    case '^':
      return { kind: 'start' };
    case '$':
      return { kind: 'end' };
    case '\\':
      return { kind: 'set', ranges: readEscape(input) };
    default:
      if ('*+?{'.includes(point)) throw new DefinitionProblem(`repeats nothing with ${point}`);
      if (']}'.includes(point)) throw new DefinitionProblem(`has a ${point} of its own; write \\${point} for the character`);
      return { kind: 'set', ranges: [pointRange(point)] };
  }
}

function pointRange(point: string): Range {
  const code = point.codePointAt(0) ?? 0;
  return [code, code];
}

function readGroup(input: Input): PatternNode {
  if (take(input, '?') && !take(input, ':')) {
    throw new DefinitionProblem('has (?, which is none of the groups that are matched in linear time; there are (...) and (?:...)');
  }
  if (++input.depth > MAX_DEPTH) throw new DefinitionProblem(`has groups more than ${MAX_DEPTH} deep`);
  const node = readChoice(input);
  if (!take(input, ')')) throw new DefinitionProblem('has a ( without a )');
  input.depth--;
  return node;
}

function readEscape(input: Input): readonly Range[] {
  const point = next(input, 'ends in a \\');
  const known = Object.hasOwn(ESCAPED_SETS, point) ? ESCAPED_SETS[point] : undefined;
  if (known !== undefined) return known;
  const control = Object.hasOwn(ESCAPED_CONTROLS, point) ? ESCAPED_CONTROLS[point] : undefined;
  if (control !== undefined) return [[control, control]];
  if (/[\dA-Za-z]/.test(point)) throw new DefinitionProblem(`has \\${point}, which is not of the subset`);
  return [pointRange(point)];
}

function readClass(input: Input): readonly Range[] {
  const negated = take(input, '^');
  const ranges: Range[] = [];
  while (!take(input, ']')) {
    const from = readClassItem(input);
    // A hyphen before the end of the class is itself.
    if (from.length === 1 && peek(input) === '-' && input.points[input.at + 1] !== ']') {
      input.at++;
      ranges.push(span(from, readClassItem(input)));
    } else ranges.push(...from);
  }
  if (ranges.length === 0) throw new DefinitionProblem('has an empty class []');
  return negated ? complement(ranges) : ranges;
}

function readClassItem(input: Input): readonly Range[] {
  const point = next(input, 'has a [ without a ]');
  return point === '\\' ? readEscape(input) : [pointRange(point)];
}

function span(from: readonly Range[], to: readonly Range[]): Range {
  const [[low, lowEnd] = [0, 0]] = from;
  const [[high, highEnd] = [0, 0]] = to;
  if (low !== lowEnd || high !== highEnd || to.length !== 1 || low > high)
    throw new DefinitionProblem('has a range that is none in a class');
  return [low, high];
}
