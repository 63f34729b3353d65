/** What may stand in a query between double braces. */
const PLACEHOLDERS = ['version', 'service', 'environment', 'group'] as const;

export type PlaceholderValues = Readonly<Record<(typeof PLACEHOLDERS)[number], string>>;

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

/** What matters of PromQL to find its strings: escapes, string marks, comments, and our holes (prometheus.io, querying/basics). */
const TOKEN = /\{\{([^{}]*)\}\}|\\[\s\S]|["'`]|#[^\n]*/g;

/** Every `{{...}}` of a query, with where it stands. */
function holesOf(query: string): readonly Hole[] {
  const holes: Hole[] = [];
  let quote: Quote | null = null;
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(query); match !== null; match = TOKEN.exec(query)) {
    const [token, name] = match;
    const at = match.index;
    if (name !== undefined) holes.push({ from: at, to: at + token.length, name: name.trim(), quote });
    else if (quote === null) quote = quoteAt(query, at);
    else quote = afterToken(token, quote);
    // Inside a string a comment is none, and in a raw one an escape neither: only its first character is done with.
    if (name === undefined && quote !== null && isLonger(token, quote)) TOKEN.lastIndex = at + 1;
  }
  return holes;
}

/** A string that begins here; an escape or a comment outside of any begins none. */
function quoteAt(query: string, at: number): Quote | null {
  const mark = query[at] ?? '';
  return `"'\``.includes(mark) ? { mark, pattern: /[=!]~\s*$/.test(query.slice(0, at)) } : null;
}

function afterToken(token: string, quote: Quote): Quote | null {
  return token === quote.mark ? null : quote;
}

function isLonger(token: string, quote: Quote): boolean {
  return token.startsWith('#') || (token.startsWith('\\') && quote.mark === '`');
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
