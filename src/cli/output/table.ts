import { stripVTControlCharacters } from 'node:util';

/** Columns a text takes on a terminal, colours not counted. */
export function visibleWidth(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Left-aligned columns with two spaces between them; the last one is not padded. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, index) => Math.max(...rows.map((row) => visibleWidth(row[index] ?? ''))));
  const pad = (cell: string, index: number, last: boolean): string =>
    last ? cell : cell + ' '.repeat((widths[index] ?? 0) - visibleWidth(cell));
  return rows
    .map(
      (row) =>
        indent +
        row
          .map((cell, index) => pad(cell, index, index === row.length - 1))
          .join('  ')
          .trimEnd(),
    )
    .join('\n');
}

/** Breaks text at spaces so that no line is wider than `width`; `indent`, not counted, precedes all lines but the first. Words are never broken. */
export function wrap(text: string, width: number, indent = ''): string {
  const room = Math.max(20, width);
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && visibleWidth(longer) > room) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines.join(`\n${indent}`);
}

/** Cuts a line to what fits, with `…` where something is missing. */
export function fit(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** `1 check`, `2 checks`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
