import type { Check } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { visibleWidth, wrap } from './table.ts';

const WORD_WIDTH = 9;

/** Checks one below the other, each with verdict, reason, and what to do where it is not a pass. */
export function renderChecks(checks: readonly Check[], width: number, style: Style): string {
  const names = Math.max(0, ...checks.map(({ name }) => visibleWidth(name)));
  const indent = ' '.repeat(WORD_WIDTH + names + 6);
  return checks
    .flatMap(({ name, verdict, reason, fix }) => {
      const room = width - indent.length;
      const first = `  ${verdictWord(verdict, style, WORD_WIDTH)}  ${name.padEnd(names)}  ${wrap(reason, room, indent)}`;
      return verdict === 'pass' || fix === undefined ? [first] : [first, `${indent}${style.dim(wrap(`fix: ${fix}`, room, indent))}`];
    })
    .join('\n');
}
