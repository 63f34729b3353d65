import type { TracedFile, TracedStatement } from '../../database/index.ts';
import type { Verdict } from '../../kernel/index.ts';
import { verdictWord, type Style } from './style.ts';
import { fit, table } from './table.ts';

interface Traced {
  readonly path: string;
  readonly format: string;
  readonly postgres: number;
  readonly verdict: Verdict;
  readonly files: readonly TracedFile[];
}

interface Look {
  /** Also statements that did nothing to tables in use. */
  readonly all: boolean;
  readonly style: Style;
  readonly width: number;
}

/** Each file with what its statements did to tables that were there before. */
export function renderTrace({ path, format, postgres, verdict, files }: Traced, look: Look): string {
  const shown = files.map((file) => renderFile(file, look)).filter((one) => one !== null);
  const counts = (wanted: Verdict): number => files.filter((file) => file.verdict === wanted).length;
  const summary = `${verdictWord(verdict, look.style)} ${files.length} files of ${path} (${format}) on PostgreSQL ${postgres}: ${counts('pass')} as lint says, ${counts('unknown')} unknown, ${counts('fail')} refused`;
  return [...shown, summary].join('\n\n');
}

function renderFile(file: TracedFile, look: Look): string | null {
  const statements = file.statements.filter((one) => look.all || didSomething(one) || one.missed.length > 0);
  if (statements.length === 0 && file.verdict === 'pass') return null;
  const { style, width } = look;
  const rows = statements.map((one) => [
    `line ${one.line}`,
    `${one.tookMs.toFixed(1)} ms`,
    one.locksSeen ? locksOf(one) : 'locks not seen',
    [...one.rewrites.map((name) => `rewrites ${name}`), ...one.scans.map((name) => `reads ${name}`)].join(', '),
    fit(one.text.replaceAll(/\s+/g, ' '), Math.max(24, width - 70)),
  ]);
  const missed = statements.flatMap(({ line, missed: words }) => words.map((word) => style.warn(`  line ${line}: ${word}`)));
  const reason = file.ran ? [] : [style.bad(`  ${file.reason}`)];
  return [
    `${style.bold(file.name)}  ${verdictWord(file.verdict, style)} in ${Math.round(file.tookMs)} ms`,
    table(rows, '  '),
    ...missed,
    ...reason,
  ].join('\n');
}

const didSomething = ({ locks, rewrites, scans, locksSeen }: TracedStatement): boolean =>
  !locksSeen || rewrites.length > 0 || scans.length > 0 || locks.some(({ mode }) => mode.includes('EXCLUSIVE') || mode === 'SHARE');

/** The strongest one for each table. */
function locksOf({ locks }: TracedStatement): string {
  const last = new Map(locks.toSorted((a, b) => a.mode.length - b.mode.length).map(({ relation, mode }) => [relation, mode]));
  return [...last].map(([relation, mode]) => `${mode} on ${relation}`).join(', ');
}
