import type { SurfaceAnswer } from '../../database/index.ts';
import type { Verdict } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

interface SurfacesDocument {
  readonly verdict: Verdict;
  readonly against: string;
  readonly surfaces: readonly SurfaceAnswer[];
}

/** Each file with what is out of step, file and line first: editors jump there. */
export function renderSurfaces({ verdict, against, surfaces }: SurfacesDocument, { style, width }: Terminal): string {
  if (surfaces.length === 0) return `${verdictWord(verdict, style)} no file here follows the schema, as far as is known`;
  const bad = surfaces.filter((one) => one.verdict !== 'pass').length;
  const head = `${verdictWord(verdict, style)} ${surfaces.length === 1 ? '1 file' : `${surfaces.length} files`} against ${against}${bad === 0 ? '' : `; ${bad} not in step`}`;
  return [head, ...surfaces.map((one) => `\n${renderSurface(one, style, width)}`)].join('\n');
}

/** One file and its differences. */
export function renderSurface({ file, kind, verdict, reason, differences }: SurfaceAnswer, style: Style, width: number): string {
  const head = `${verdictWord(verdict, style)} ${style.bold(file)}${kind === null ? '' : ` (${kind})`}`;
  const wrong = differences.filter(({ weight }) => weight === 'wrong');
  const lines = (wrong.length > 0 ? wrong : []).map(({ line, what }) => style.bad(`  ${file}:${line}: ${what}`));
  const told = wrong.length > 0 ? [] : [`  ${wrap(reason, width - 2, '  ')}`];
  const remarks = differences
    .filter(({ weight }) => weight === 'remark')
    .map(({ line, what }) => style.dim(`  ${file}:${line}: ${what} (remark)`));
  return [head, ...told, ...lines, ...remarks].join('\n');
}
