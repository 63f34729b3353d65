/** What may stand in a query between double braces. */
export const PLACEHOLDERS = ['version', 'service', 'environment', 'group'] as const;

export type PlaceholderValues = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;

const HOLE = /\{\{([^{}]*)\}\}/y;

interface Hole {
  readonly from: number;
  readonly to: number;
  readonly name: string;
  /** The string it stands in; null outside of any. */
  readonly quote: Quote | null;
}

interface Quote {
  readonly mark: string;
  /** What it holds is a regular expression. */
  readonly pattern: boolean;
}

/** Every `{{...}}` of a query, with where it stands. Strings and comments as PromQL has them (prometheus.io, querying/basics). */
function holesOf(query: string): readonly Hole[] {
  const holes: Hole[] = [];
  let quote: Quote | null = null;
  for (let at = 0; at < query.length; at++) {
    const char = query[at] ?? '';
    HOLE.lastIndex = at;
    const match = HOLE.exec(query);
    if (match !== null) {
      const [whole, name = ''] = match;
      holes.push({ from: at, to: at + whole.length, name: name.trim(), quote });
      at += whole.length - 1;
    } else if (quote === null && char === '#') {
      const end = query.indexOf('\n', at);
      at = end === -1 ? query.length : end;
    } else if (quote === null && `"'\``.includes(char)) quote = { mark: char, pattern: /[=!]~\s*$/.test(query.slice(0, at)) };
    else if (quote !== null && quote.mark !== '`' && char === '\\') at++;
    else if (char === quote?.mark) quote = null;
  }
  return holes;
}

/** Why a query template is refused, or null. */
export function problemOfQuery(query: string): string | null {
  if (query.trim() === '') return 'is empty';
  const holes = holesOf(query);
  const strange = holes.find(({ name }) => !(PLACEHOLDERS as readonly string[]).includes(name));
  if (strange !== undefined)
    return `"{{${strange.name}}}" has no value here; what has one: ${PLACEHOLDERS.map((name) => `{{${name}}}`).join(', ')}`;
  if (holes.some(({ quote }) => quote === null || quote.mark === '`'))
    return 'a placeholder stands outside a quoted label value: write version="{{version}}"';
  if (!holes.some(({ name }) => name === 'version' || name === 'group'))
    return 'does not say which version is meant: write version="{{version}}" (or group="{{group}}")';
  return null;
}

/**
 * The query with its placeholders filled in. A value is text of a label, or of a pattern, whatever it holds: it cannot end its string.
 * @throws Error for a template that {@link problemOfQuery} refuses
 */
export function fillQuery(query: string, values: PlaceholderValues): string {
  const problem = problemOfQuery(query);
  if (problem !== null) throw new Error(`Not a query template: ${problem}`);
  let filled = '';
  let from = 0;
  for (const hole of holesOf(query)) {
    const value = values[hole.name as keyof PlaceholderValues];
    filled += query.slice(from, hole.from) + quoted(value, hole.quote);
    from = hole.to;
  }
  return filled + query.slice(from);
}

/** The text as it stands in its string: escapes as Go's strings have them, where only the string's own mark may be escaped. */
function quoted(value: string, quote: Quote | null): string {
  const text = quote?.pattern === true ? value.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`) : value;
  return text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll(quote?.mark ?? '"', `\\${quote?.mark ?? '"'}`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('\r', String.raw`\r`);
}
