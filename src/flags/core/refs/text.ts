import type { Reference } from './scan.ts';

/** Known keys that stand in quotes of any kind in a text; for languages that are not parsed. */
export function referencesInText(file: string, text: string, known: ReadonlySet<string>): readonly Reference[] {
  const found: Reference[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    for (const match of line.matchAll(/["'`]([A-Za-z0-9][A-Za-z0-9._:-]{0,127})["'`]/g)) {
      const key = match[1] ?? '';
      if (!known.has(key)) continue;
      const place = { file, line: index + 1, column: match.index + 1 };
      found.push({ ...place, key, by: 'text', callee: null, gives: null, written: null, indirect: false, site: null });
    }
  }
  return found;
}
