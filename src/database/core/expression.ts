/**
 * An expression of the catalog without what a dump and restore may change although it means the same: PostgreSQL prints
 * `x IN ('a')` on a varchar with other casts and brackets after it was read back once.
 */
export function plainExpression(text: string): string {
  return text
    .split(/('(?:[^']|'')*')/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(CAST, '').replace(/[()\s]+/g, '')))
    .join('');
}

const CAST =
  /::(?:"[^"]+"|[a-z_][a-z0-9_]*)(?:\.(?:"[^"]+"|[a-z_][a-z0-9_]*))?(?: varying| precision| with(?:out)? time zone)?(?:\(\d+(?:,\d+)?\))?(?:\[\])*/gi;
