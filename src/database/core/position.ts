const EXCERPT_LENGTH = 160;

/** Line (from 1) of the character at `index` (code points, as PostgreSQL counts) of `text`, which begins on line `first`. */
export function lineAt(text: string, index: number, first = 1): number {
  let line = first;
  let position = 0;
  for (const character of text) {
    if (position >= index) break;
    if (character === '\n') line += 1;
    position += 1;
  }
  return line;
}

/** A statement on one line and short enough for a message. */
export function excerpt(sql: string): string {
  const flat = sql.replace(/\s+/g, ' ').trim();
  return flat.length <= EXCERPT_LENGTH ? flat : `${flat.slice(0, EXCERPT_LENGTH - 1)}…`;
}
