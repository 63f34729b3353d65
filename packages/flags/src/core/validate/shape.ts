/** What is wrong and where: `flags.release_checkout.rules[0].when.value`. The message reads on after the path. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A place within what is checked, and where its problems go. */
export interface Place {
  readonly path: string;
  readonly problems: Problem[];
}

type Fields = Readonly<Record<string, unknown>>;

export function at(place: Place, name: string | number): Place {
  if (typeof name === 'number') return { ...place, path: `${place.path}[${name}]` };
  const plain = /^[\w-]+$/.test(name);
  if (!plain) return { ...place, path: `${place.path}[${JSON.stringify(name)}]` };
  return { ...place, path: place.path === '' ? name : `${place.path}.${name}` };
}

/** Never more than a person reads. */
const MAX_PROBLEMS = 200;

/** More problems are not kept. */
export function isFull({ problems }: Place): boolean {
  return problems.length >= MAX_PROBLEMS;
}

export function refuse(place: Place, message: string): void {
  if (place.problems.length < MAX_PROBLEMS) place.problems.push({ path: place.path, message });
}

const shown = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with all of these keys, perhaps the optional ones, and no other; null when it is none. */
export function fieldsOf(place: Place, value: unknown, keys: readonly string[], optional: readonly string[] = []): Fields | null {
  if (!isFields(value)) {
    refuse(place, `must be an object, and is ${shown(value)}`);
    return null;
  }
  for (const key of keys) if (!Object.hasOwn(value, key)) refuse(place, `lacks ${JSON.stringify(key)}`);
  for (const key of Object.keys(value)) {
    if (!keys.includes(key) && !optional.includes(key))
      refuse(at(place, key), `is not known here; known are ${[...keys, ...optional].join(', ')}`);
  }
  return value;
}

/** The entries of an object of at most `most` (and at least `least`); empty when it is none. */
export function entriesOf(place: Place, value: unknown, least: number, most: number): readonly (readonly [string, unknown])[] {
  if (!isFields(value)) {
    refuse(place, `must be an object, and is ${shown(value)}`);
    return [];
  }
  const entries = Object.entries(value);
  if (entries.length < least || entries.length > most) refuse(place, `must have ${least} to ${most} entries, and has ${entries.length}`);
  return entries.slice(0, most);
}

/** The elements of a list of `least` to `most`; empty when it is none. */
export function listOf(place: Place, value: unknown, least: number, most: number): readonly unknown[] {
  if (!Array.isArray(value)) {
    refuse(place, `must be a list, and is ${shown(value)}`);
    return [];
  }
  if (value.length < least || value.length > most) refuse(place, `must have ${least} to ${most} elements, and has ${value.length}`);
  return value.slice(0, most) as readonly unknown[];
}

/** A well-formed string of `least` to `most` code units; null when it is none. */
export function textOf(place: Place, value: unknown, least: number, most: number): string | null {
  if (typeof value !== 'string') {
    refuse(place, `must be a string, and is ${shown(value)}`);
    return null;
  }
  if (value.length < least || value.length > most) {
    refuse(place, value === '' ? 'must not be empty' : `must have ${least} to ${most} characters, and has ${value.length}`);
    return null;
  }
  return charactersOf(place, value);
}

/**
 * The same text; null where it has something that is no character of a text. Half of one: what it is joined to would decide what it means,
 * and with it the bucket, and nobody could sign it. NUL: stores and other languages end a text there, or refuse it.
 */
export function charactersOf(place: Place, text: string): string | null {
  const isHalf = /\p{Surrogate}/u.test(text);
  if (!isHalf && !text.includes('\0')) return text;
  refuse(place, isHalf ? 'has half a surrogate pair, which is no character' : 'has a NUL, which is no character of a text');
  return null;
}

export function wholeOf(place: Place, value: unknown, least: number, most: number): number | null {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value;
  refuse(place, `must be a whole number from ${least} to ${most}, and is ${shown(value)}`);
  return null;
}

export function choiceOf<T extends string>(place: Place, value: unknown, choices: readonly T[]): T | null {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) refuse(place, `must be one of ${choices.join(', ')}, and is ${shown(value)}`);
  return found ?? null;
}

/** One of the names that exist. */
export function nameOf(place: Place, value: unknown, names: ReadonlySet<string>, what: string): string | null {
  if (typeof value === 'string' && names.has(value)) return value;
  refuse(place, `names the ${what} ${shown(value)}, which is not there`);
  return null;
}
