import type { Reference } from './scan.ts';

/** In quotes of any kind; or as a property, `.release_a`, or a symbol, `:release_a`. */
const KEY = /["'`]([A-Za-z0-9][A-Za-z0-9._:-]{0,127})["'`]|(?<=[.:])([a-z]+(?:_[a-z0-9]+)+)(?![\w-])/g;

/** Known keys in a text of a language that is not parsed. */
export function referencesInText(file: string, text: string, known: ReadonlySet<string>): readonly Reference[] {
  const found: Reference[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    for (const match of line.matchAll(KEY)) {
      const key = match[1] ?? match[2] ?? '';
      if (!known.has(key)) continue;
      const place = { file, line: index + 1, column: match.index + 1 };
      found.push({ ...place, key, by: 'text', callee: null, gives: null, written: null, indirect: false, site: null });
    }
  }
  return found;
}
