import { placeOn, tellValue, ticksOf, type Line, type Plot } from './plot.ts';

const [WIDTH, HEIGHT] = [720, 300];
const AREA = { left: 64, right: 696, top: 44, bottom: 232 } as const;
/** Lines differ by their dashes as well, for whoever sees or prints no colours. */
const LOOKS: readonly (readonly [stroke: string, dashes: string])[] = [
  ['#c62a2f', 'none'],
  ['#2558b8', '6 3'],
  ['#18794e', '2 3'],
  ['#946800', '10 3 2 3'],
  ['#6e3aa7', '1 4'],
  ['#555555', '12 5'],
];

/** A plot as the text of one SVG file: no script, no style sheet, nothing from elsewhere. The same plot gives the same bytes. */
export function plotSvg(plot: Plot): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="sans-serif" font-size="11">`,
    `<title>${escapeXml(plot.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    label({ x: AREA.left, y: 20, text: plot.title, more: ' font-size="14" font-weight="bold"' }),
    label({ x: AREA.left, y: 36, text: plot.y.label, more: ' fill="#555555"' }),
    ...axes(plot),
    ...plot.lines.map((line, index) => stair(plot, line, index)),
    ...plot.marks.map(({ x, label: text }, index) => mark(across(plot, x), text, index)),
    ...plot.lines.map(({ name }, index) => legend(name, index)),
    '</svg>',
  ].join('\n')}\n`;
}

function axes(plot: Plot): readonly string[] {
  const { left, right, top, bottom } = AREA;
  const ys = ticksOf(plot.y, 5).map((value) => ({ at: up(plot, value), text: tellValue(plot.y.unit, value) }));
  const xs = ticksOf(plot.x, 8).map((value) => ({ at: across(plot, value), text: tellValue(plot.x.unit, value) }));
  return [
    ...ys.flatMap(({ at, text }) => [
      `<line x1="${left}" y1="${at}" x2="${right}" y2="${at}" stroke="#dddddd"/>`,
      label({ x: left - 6, y: at + 4, text, more: ' text-anchor="end"' }),
    ]),
    `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#333333"/>`,
    `<line x1="${left}" y1="${top}" x2="${left}" y2="${bottom}" stroke="#333333"/>`,
    ...xs.map(({ at, text }) => label({ x: at, y: bottom + 16, text, more: ' text-anchor="middle"' })),
    label({ x: (left + right) / 2, y: bottom + 32, text: plot.x.label, more: ' text-anchor="middle" fill="#555555"' }),
  ];
}

function stair(plot: Plot, { points }: Line, index: number): string {
  let path = '';
  let pen: number | null = null;
  for (const { x, y } of points) {
    const at = across(plot, x);
    const height = y === null ? null : up(plot, y);
    if (pen !== null) path += `H${at}`;
    if (height !== null) path += pen === null ? `M${at} ${height}` : `V${height}`;
    pen = height;
  }
  if (pen !== null) path += `H${AREA.right}`;
  const [stroke, dashes] = looksOf(index);
  return `<path d="${path}" fill="none" stroke="${stroke}" stroke-width="1.8" stroke-dasharray="${dashes}"/>`;
}

function mark(at: number, text: string, index: number): string {
  const y = AREA.top + 10 + 14 * (index % 4);
  const anchor = at > (AREA.left + AREA.right) / 2 ? 'end' : 'start';
  const line = `<line x1="${at}" y1="${AREA.top}" x2="${at}" y2="${AREA.bottom}" stroke="#111111" stroke-dasharray="3 2"/>`;
  return line + label({ x: anchor === 'end' ? at - 4 : at + 4, y, text, more: ` text-anchor="${anchor}"` });
}

function legend(name: string, index: number): string {
  const [stroke, dashes] = looksOf(index);
  const [x, y] = [AREA.left + (index % 3) * 210, HEIGHT - 22 + 14 * Math.floor(index / 3)];
  const line = `<line x1="${x}" y1="${y - 4}" x2="${x + 26}" y2="${y - 4}" stroke="${stroke}" stroke-width="2" stroke-dasharray="${dashes}"/>`;
  return line + label({ x: x + 32, y, text: name, more: '' });
}

function looksOf(index: number): readonly [stroke: string, dashes: string] {
  return LOOKS[index % LOOKS.length] ?? ['#111111', 'none'];
}

interface Label {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  /** Attributes, ours. */
  readonly more: string;
}

function label({ x, y, text, more }: Label): string {
  return `<text x="${x}" y="${y}"${more}>${escapeXml(text)}</text>`;
}

function across({ x: axis }: Plot, value: number): number {
  return toTenth(AREA.left + placeOn(axis, value) * (AREA.right - AREA.left));
}

function up({ y: axis }: Plot, value: number): number {
  return toTenth(AREA.bottom - placeOn(axis, value) * (AREA.bottom - AREA.top));
}

function toTenth(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Text that means nothing to XML; what XML cannot hold at all is left out. */
function escapeXml(text: string): string {
  const allowed = Array.from(text).filter((one) => isXml(one.codePointAt(0) ?? 0));
  return allowed.map((one) => ENTITIES[one] ?? one).join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** `Char` of XML 1.0, section 2.2. */
function isXml(code: number): boolean {
  const control = code < 0x20 && code !== 0x9 && code !== 0xa && code !== 0xd;
  return !control && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}
