/** True for the same JSON: the order of an object's names says nothing, that of a list does. A name without a value is none. */
export function same(a: unknown, b: unknown): boolean {
  // Not `Object.is`: -0 of a file comes back from the store as 0.
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [entriesOf(a), entriesOf(b)];
  return left.size === right.size && [...left].every(([name, value]) => right.has(name) && same(value, right.get(name)));
}

function entriesOf(value: object): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(value).filter(([, item]) => item !== undefined));
}
