import type { Verdict } from '../../kernel/index.ts';
import { verdictWord } from './style.ts';
import { wrap } from './table.ts';
import type { Terminal } from './terminal.ts';

interface CapturedDocument {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly role: string | null;
  readonly since: string | null;
  readonly statements: number;
  readonly writes: number;
  readonly leftOut: readonly { readonly why: string; readonly statements: number }[];
  readonly file: string | null;
}

/** What was captured, what was left out, and where it is. */
export function renderCaptured(captured: CapturedDocument, { style, width }: Terminal): string {
  const { verdict, reason, role, since, statements, writes, leftOut, file } = captured;
  const of = role === null ? '' : ` of ${role}${since === null ? '' : `, counted since ${since}`}`;
  return [
    `${verdictWord(verdict, style)} ${wrap(`${reason}${of}`, width - 8, '       ')}`,
    ...(statements > 0 ? [`  ${writes} write, ${statements - writes} read`] : []),
    ...leftOut.map((one) => `  left out: ${one.statements} (${one.why})`),
    ...(file === null ? [] : [style.dim(`written: ${file}`)]),
  ].join('\n');
}
