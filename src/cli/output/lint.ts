import type { Finding, LintedFile } from '../../database/index.ts';
import type { Linted } from '../commands/db-lint.ts';
import { verdictWord, type Style } from './style.ts';

/** How many of everything, for the last line and for programs. */
export function countOf({ files }: Linted): Readonly<Record<string, number>> {
  const verdicts = (verdict: LintedFile['verdict']): number => files.filter((file) => file.verdict === verdict).length;
  const findings = files.flatMap((file) => file.findings);
  const severities = (severity: Finding['severity']): number =>
    findings.filter((one) => one.allowed === null && one.severity === severity).length;
  return {
    files: files.length,
    pass: verdicts('pass'),
    fail: verdicts('fail'),
    unknown: verdicts('unknown'),
    error: severities('error'),
    warning: severities('warning'),
    notice: severities('notice'),
    allowed: findings.filter((one) => one.allowed !== null).length,
  };
}

/** Every finding with its line and a caret under it, why it matters and what to write instead; then the verdict. */
export function renderLint(linted: Linted, { notices, style }: { readonly notices: boolean; readonly style: Style }): string {
  const shown = linted.files.flatMap((file) =>
    file.findings
      .filter((one) => one.allowed === null && (notices || one.severity !== 'notice'))
      .map((one) => renderFinding(one, file, linted.path, style)),
  );
  return [...shown, summary(linted, notices, style)].join('\n\n');
}

const WORDS = { error: 'bad', warning: 'warn', notice: 'dim' } as const;

function renderFinding(one: Finding, { text }: LintedFile, path: string, style: Style): string {
  const number = String(one.line);
  const gutter = ' '.repeat(number.length);
  const line = (text.split('\n', one.line)[one.line - 1] ?? '').replaceAll('\t', ' ').trimEnd();
  const word = one.certainty === 'unknown' ? 'unknown' : one.severity;
  return [
    `${style.bold(`${placeIn(path, one.file)}:${one.line}:${one.column}`)}  ${style[one.certainty === 'unknown' ? 'warn' : WORDS[one.severity]](word)}  ${one.rule}`,
    ...(line === '' ? [] : excerpt(line, one.column, { number, gutter, style })),
    `  ${one.message}.`,
    `  ${style.dim(one.why)}`,
    ...(one.fix === null ? [] : ['  instead:', ...one.fix.split('\n').map((each) => `    ${each}`)]),
  ].join('\n');
}

interface Gutter {
  readonly number: string;
  readonly gutter: string;
  readonly style: Style;
}

const LONGEST_LINE = 120;

/** The line, cut around the place when it is long, and the caret below. */
function excerpt(line: string, column: number, { number, gutter, style }: Gutter): readonly string[] {
  const characters = Array.from(line);
  const from = column > LONGEST_LINE ? column - LONGEST_LINE / 2 : 0;
  const part = characters.slice(from, from + LONGEST_LINE).join('');
  return [`  ${style.dim(`${number} |`)} ${part}`, `  ${style.dim(`${gutter} |`)} ${' '.repeat(Math.max(0, column - 1 - from))}^`];
}

/** A file as it is reached from where the user stands; the path of a single file names it already. */
export function placeIn(path: string, file: string): string {
  return path === '.' || path === file || path.endsWith(`/${file}`) ? (path === '.' ? file : path) : `${path}/${file}`;
}

const FROM: Readonly<Record<Linted['postgresFrom'], string>> = {
  given: 'as given',
  database: 'as the database says',
  assumed: 'assumed: --postgres or --database says which',
};

/** For which version it was judged, and why for that. */
function judgedFor({ postgres, postgresFrom, measuredOn }: Linted): string {
  const facts = measuredOn === postgres ? '' : `, by what ${measuredOn} does`;
  return `PostgreSQL ${postgres} ${FROM[postgresFrom]}${facts}`;
}

function summary(linted: Linted, notices: boolean, style: Style): string {
  const { files, pass, fail, unknown, error, warning, notice, allowed } = countOf(linted);
  const hidden = !notices && (notice ?? 0) > 0 ? ' (--notices shows them)' : '';
  return [
    `${files} files (${linted.format}, ${judgedFor(linted)}): ${pass} pass, ${fail} fail, ${unknown} unknown`,
    `${error} errors, ${warning} warnings, ${notice} notices${hidden}, ${allowed} allowed by comments`,
    verdictWord(linted.verdict, style),
  ].join('\n');
}
