/** What is asked of a context: an object, or nothing at all. */
export type Attributes = Readonly<Record<string, unknown>>;

const NOTHING: Attributes = Object.freeze({});

/** What is no object has no attributes. */
export function attributesOf(context: unknown): Attributes {
  return typeof context === 'object' && context !== null ? (context as Attributes) : NOTHING;
}

/** Reads one attribute; undefined where it is missing. Throws what a getter of the context throws. */
export type Reader = (context: Attributes) => unknown;

const NAME = /(?:"(?<quoted>(?:[^"\\]|\\["\\])*)"|(?<bare>[^."\\]+))(?<dot>\.|$)/y;

/** The names of a path: `user.address`, or `"a.b".c` with quotes around a name that has a dot (`\"` and `\\` inside). Null when it is none. */
export function parsePath(path: string): readonly string[] | null {
  const names: string[] = [];
  let at = 0;
  let open = true;
  while (open) {
    NAME.lastIndex = at;
    const groups = NAME.exec(path)?.groups;
    if (groups === undefined) return null;
    names.push(groups['bare'] ?? (groups['quoted'] ?? '').replaceAll(/\\(["\\])/g, '$1'));
    open = groups['dot'] === '.';
    at = NAME.lastIndex;
  }
  return names;
}

/** An attribute is an own property: what objects inherit is nobody's attribute, whatever happened to `Object.prototype`. */
function own(from: Attributes, name: string): unknown {
  const value = from[name];
  return value === undefined || Object.hasOwn(from, name) ? value : undefined;
}

/** A path leads through objects; an array is a value. */
function isObject(value: unknown): value is Attributes {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How the attribute with these names is read. */
export function readerOf(names: readonly string[]): Reader {
  const [first = '', ...rest] = names;
  if (rest.length === 0) return (context) => own(context, first);
  return (context) => {
    let value = own(context, first);
    for (const name of rest) {
      if (!isObject(value)) return undefined;
      value = own(value, name);
    }
    return value;
  };
}
