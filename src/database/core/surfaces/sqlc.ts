/** What sqlc writes for a parameter: `@name`, `sqlc.arg(name)`, `sqlc.narg('name')`, `sqlc.slice('name')`; `sqlc.embed(t)` is `t.*`. */
const MARKS = /sqlc\.(?:n?arg|slice)\(\s*'?(\w+)'?\s*\)|(?<![\w@<>?&|])@(\w+)\b|sqlc\.embed\(\s*(\w+)\s*\)/g;

/** Queries of sqlc in PostgreSQL's own words, on the same lines. Each query counts its parameters anew. */
export function placeholders(text: string): string {
  const parts = text.split(/(?=^--\s*name:)/m).map((part) => {
    const numbers = new Map<string, number>();
    const taken = Math.max(0, ...[...part.matchAll(/\$(\d+)/g)].map((match) => Number(match[1])));
    return part.replaceAll(MARKS, (_all, named: string | undefined, at: string | undefined, table: string | undefined) => {
      if (table !== undefined) return `${table}.*`;
      const name = named ?? at ?? '';
      const number = numbers.get(name) ?? taken + numbers.size + 1;
      numbers.set(name, number);
      return `$${number}`;
    });
  });
  return parts.join('');
}
