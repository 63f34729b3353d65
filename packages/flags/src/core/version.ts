/**
 * Versions as SemVer 2.0.0 orders them. Also accepted: a `v` in front, and one or two parts (`2` and `2.0` are `2.0.0`). Build metadata is
 * ignored. Digits are compared as text, so no number is too large.
 */
export interface Version {
  /** Three, without leading zeros. */
  readonly parts: readonly string[];
  /** The same as numbers; null where one has more digits than a number holds. */
  readonly numbers: readonly number[] | null;
  /** Empty for a version that is no prerelease. */
  readonly prerelease: readonly string[];
}

const MAX_LENGTH = 256;
const [DOT, HYPHEN, PLUS, ZERO, NINE, V] = [46, 45, 43, 48, 57, 118];

const isDigit = (code: number): boolean => code >= ZERO && code <= NINE;
const isIdentifier = (code: number): boolean =>
  isDigit(code) || code === HYPHEN || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** Index after the digits that start at `from`; -1 when there are none, or a needless zero leads. */
function endOfNumber(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  if (at === from || (text.charCodeAt(from) === ZERO && at > from + 1)) return -1;
  return at;
}

/** Index after one identifier of a prerelease (`strict`: no leading zeros in a number) or of build metadata; -1 when there is none. */
function endOfIdentifier(text: string, from: number, strict: boolean): number {
  let at = from;
  let numeric = true;
  while (isIdentifier(text.charCodeAt(at))) {
    if (!isDigit(text.charCodeAt(at))) numeric = false;
    at++;
  }
  if (at === from || (strict && numeric && text.charCodeAt(from) === ZERO && at > from + 1)) return -1;
  return at;
}

function endOfIdentifiers(text: string, from: number, strict: boolean): number {
  let at = endOfIdentifier(text, from, strict);
  while (at !== -1 && text.charCodeAt(at) === DOT) at = endOfIdentifier(text, at + 1, strict);
  return at;
}

/** Order of two texts by their code units: -1, 0 or 1. */
function compareText(text: string, from: number, to: number, other: string): number {
  const length = Math.min(to - from, other.length);
  for (let at = 0; at < length; at++) {
    const difference = text.charCodeAt(from + at) - other.charCodeAt(at);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(to - from - other.length);
}

/** By length, then by digits: the order of numbers without leading zeros. */
function compareNumber(text: string, from: number, to: number, other: string): number {
  const longer = to - from - other.length;
  return longer === 0 ? compareText(text, from, to, other) : Math.sign(longer);
}

function isNumber(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}

/** Numbers come before words. */
function compareIdentifier(text: string, from: number, to: number, other: string): number {
  const numeric = isNumber(text, from, to);
  const otherNumeric = isNumber(other, 0, other.length);
  if (numeric !== otherNumeric) return numeric ? -1 : 1;
  return numeric ? compareNumber(text, from, to, other) : compareText(text, from, to, other);
}

/** Prereleases that both are there: the first difference decides, then the one with more identifiers is later. */
function comparePrerelease(text: string, from: number, to: number, others: readonly string[]): number {
  let at = from;
  for (const other of others) {
    if (at > to) return -1;
    const end = endOfIdentifier(text, at, false);
    const order = compareIdentifier(text, at, end, other);
    if (order !== 0) return order;
    at = end + 1;
  }
  return at > to ? 0 : 1;
}

/** Index after what may follow the three parts, which must be the end; -1 when it is malformed. */
function endOfBuild(text: string, from: number): number {
  return text.charCodeAt(from) === PLUS ? endOfIdentifiers(text, from + 1, false) : from;
}

/** So many digits are always exact. */
const EXACT_DIGITS = 15;

/**
 * The order of a version that is nothing but three short numbers, as nearly all are; NaN for any other text, which has to be read with care.
 * No character is asked for that is not there: engines make a slow call of that.
 */
function compareShort(text: string, numbers: readonly number[], prerelease: number): number {
  let at = text.startsWith('v') ? 1 : 0;
  let order = 0;
  for (let part = 0; part < 3; part++) {
    if (part > 0 && (at === text.length || text.charCodeAt(at++) !== DOT)) return Number.NaN;
    const end = endOfShort(text, at);
    if (end === -1) return Number.NaN;
    if (order === 0) order = numberIn(text, at, end) - (numbers[part] as number);
    at = end;
  }
  if (at !== text.length) return Number.NaN;
  return order === 0 ? prerelease : Math.sign(order);
}

/** Index after the digits that start at `from`; -1 when there are none, or too many, or a needless zero leads. */
function endOfShort(text: string, from: number): number {
  const most = Math.min(text.length, from + EXACT_DIGITS);
  let at = from;
  while (at < most && isDigit(text.charCodeAt(at))) at++;
  return at === from || (at > from + 1 && text.charCodeAt(from) === ZERO) ? -1 : at;
}

function numberIn(text: string, from: number, to: number): number {
  let number = 0;
  for (let at = from; at < to; at++) number = number * 10 + text.charCodeAt(at) - ZERO;
  return number;
}

/** -1, 0 or 1 as `text` is before, at or after the version; NaN when it is no version. Allocates nothing. */
export function compareVersion(text: string, version: Version): number {
  const order = version.numbers === null ? Number.NaN : compareShort(text, version.numbers, version.prerelease.length === 0 ? 0 : 1);
  return Number.isNaN(order) ? compareAny(text, version) : order;
}

function compareAny(text: string, version: Version): number {
  if (text.length > MAX_LENGTH) return Number.NaN;
  let at = text.charCodeAt(0) === V ? 1 : 0;
  let order = 0;
  for (let part = 0; part < 3; part++) {
    const other = version.parts[part] ?? '0';
    if (part > 0 && text.charCodeAt(at) !== DOT) {
      if (order === 0) order = compareNumber('0', 0, 1, other);
      continue;
    }
    if (part > 0) at++;
    const end = endOfNumber(text, at);
    if (end < 0) return Number.NaN;
    if (order === 0) order = compareNumber(text, at, end, other);
    at = end;
  }
  return compareRest(text, at, order, version.prerelease);
}

/** What follows the three parts. A prerelease comes before the version it leads to. */
function compareRest(text: string, from: number, order: number, others: readonly string[]): number {
  const before = text.charCodeAt(from) === HYPHEN;
  const end = before ? endOfIdentifiers(text, from + 1, true) : from;
  if (end === -1 || endOfBuild(text, end) !== text.length) return Number.NaN;
  if (order !== 0) return order;
  if (before && others.length > 0) return comparePrerelease(text, from + 1, end, others);
  return Number(others.length > 0) - Number(before);
}

/** Null when it is no version. */
export function parseVersion(text: string): Version | null {
  if (Number.isNaN(compareVersion(text, { parts: ['0', '0', '0'], numbers: [0, 0, 0], prerelease: [] }))) return null;
  const [release = ''] = text.replace(/^v/, '').split('+');
  const hyphen = release.indexOf('-');
  const parts = (hyphen === -1 ? release : release.slice(0, hyphen)).split('.');
  const three = [...parts, '0', '0'].slice(0, 3);
  const numbers = three.every((part) => part.length <= EXACT_DIGITS) ? three.map(Number) : null;
  return { parts: three, numbers, prerelease: hyphen === -1 ? [] : release.slice(hyphen + 1).split('.') };
}
