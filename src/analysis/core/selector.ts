/** A metric's name and the attributes its points must have. */
export interface Selector {
  readonly name: string;
  readonly where: Readonly<Record<string, string>>;
}

const SELECTOR = /^\s*([A-Za-z_][\w./-]*)\s*(?:\{(.*)\})?\s*$/s;
const MATCHER = /\s*([A-Za-z_][\w.-]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)/sy;

/** Reads `name` or `name{key="value", other="x"}`; null when it is not that. Only equality: what is counted must be plain to see. */
export function parseSelector(text: string): Selector | null {
  const match = SELECTOR.exec(text);
  if (match === null) return null;
  const [, name = '', inside = ''] = match;
  const where: Record<string, string> = {};
  let at = 0;
  while (inside.slice(at).trim() !== '') {
    MATCHER.lastIndex = at;
    const one = MATCHER.exec(inside);
    if (one === null) return null;
    const [, key = '', value = ''] = one;
    where[key] = value.replaceAll(/\\(.)/gs, '$1');
    at = MATCHER.lastIndex;
  }
  return { name, where };
}
