import { isJsonObject, type JsonValue } from '../../kernel/pure.ts';

/**
 * Does `actual` contain `expected`? Objects may have more keys; arrays must have the same length; numbers, texts,
 * booleans and null are equal or not. Returns the path of the first difference, or null when contained.
 */
export function firstDifference(expected: JsonValue, actual: unknown, path = '$'): string | null {
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) return `${path} should be a list of ${expected.length}`;
    return firstOf(expected.map((item: JsonValue, index) => firstDifference(item, (actual as unknown[])[index], `${path}[${index}]`)));
  }
  if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) return `${path} should be an object`;
    return firstOf(Object.entries(expected).map(([key, item]) => firstDifference(item, actual[key], `${path}.${key}`)));
  }
  return Object.is(expected, actual) ? null : `${path} should be ${JSON.stringify(expected)}, it is ${shorten(actual)}`;
}

function firstOf(differences: readonly (string | null)[]): string | null {
  return differences.find((difference) => difference !== null) ?? null;
}

function shorten(value: unknown): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
