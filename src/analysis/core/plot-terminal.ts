import { highestBetween, placeOn, tellValue, ticksOf, valueAt, type Axis, type Line, type Plot } from './plot.ts';

/** How a plot is drawn. */
export interface PlotRoom {
  /** No line is longer. */
  readonly width: number;
  /** Lines of text per line of the plot. */
  readonly rows: number;
  /** Only characters that every terminal has. */
  readonly ascii: boolean;
}

/** From nothing to a full cell. */
const BLOCKS = { unicode: ' ▁▂▃▄▅▆▇█'.split(''), ascii: ' .:-=+*%#'.split('') } as const;
const NARROWEST = 8;

/**
 * A plot as text: one small panel below the other for each line, all on the same scales, so that nothing hangs on colour. A blank
 * column is one of which nothing is known; a value of zero still has the lowest mark.
 */
export function plotLines(plot: Plot, room: PlotRoom): readonly string[] {
  const gutter = Math.min(Math.floor(room.width / 2), Math.max(...plot.lines.map(({ name }) => Array.from(name).length), 0) + 1);
  const columns = Math.max(NARROWEST, room.width - gutter - 1);
  const edge = room.ascii ? '|' : '│';
  const panels = plot.lines.flatMap((line) =>
    panelOf(line, plot, { columns, room }).map((cells, row) => `${head(line, row, gutter)}${edge}${cells}`),
  );
  const below = [labelLine(plot.x, columns), ...plot.marks.map(({ x, label }) => markLine(placeOn(plot.x, x), columns, label))];
  const scales = `(${plot.y.label}, up to ${tellValue(plot.y.unit, plot.y.to)}; ${plot.x.label})`;
  const fits = Array.from(`${plot.title} ${scales}`).length <= room.width;
  return [
    ...(fits ? [`${plot.title} ${scales}`] : [plot.title, scales]),
    ...panels,
    ...below.map((text) => `${' '.repeat(gutter + 1)}${text}`),
  ].map((text) => cut(text.trimEnd(), room.width));
}

function head({ name }: Line, row: number, gutter: number): string {
  return row === 0 ? cut(name, gutter - 1).padEnd(gutter) : ' '.repeat(gutter);
}

function panelOf(line: Line, { x, y }: Plot, { columns, room }: { readonly columns: number; readonly room: PlotRoom }): readonly string[] {
  const blocks = room.ascii ? BLOCKS.ascii : BLOCKS.unicode;
  const eighths = Array.from({ length: columns }, (_column, index) => {
    const value = highestBetween(line, valueAt(x, index / columns), valueAt(x, (index + 1) / columns));
    return value === null ? 0 : Math.max(1, Math.round(placeOn(y, value) * room.rows * (blocks.length - 1)));
  });
  return Array.from({ length: room.rows }, (_row, index) => {
    const floor = (room.rows - 1 - index) * (blocks.length - 1);
    return eighths.map((height) => blocks[Math.min(blocks.length - 1, Math.max(0, height - floor))] ?? ' ').join('');
  });
}

/** The x axis in words, each label where its value is, as far as they do not touch. */
function labelLine(axis: Axis, columns: number): string {
  let text = '';
  for (const value of ticksOf(axis, Math.max(1, Math.floor(columns / 8)))) {
    const at = Math.round(placeOn(axis, value) * columns);
    const label = tellValue(axis.unit, value);
    if (at >= text.length + (text === '' ? 0 : 1) && at + label.length <= columns) text = text.padEnd(at) + label;
  }
  return text;
}

function markLine(part: number, columns: number, label: string): string {
  const at = Math.min(columns - 1, Math.floor(part * columns));
  const left = at + 2 + label.length > columns && at > label.length;
  return left ? `${' '.repeat(at - label.length - 1)}${label} ^` : `${' '.repeat(at)}^ ${label}`;
}

function cut(text: string, width: number): string {
  return Array.from(text).slice(0, Math.max(0, width)).join('');
}
