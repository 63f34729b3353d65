import type { Redactor } from '../../kernel/pure.ts';

/** One thing wrong with the file. `line` and `column` count from 1; `path` is `processes.api.instances`, empty for the whole file. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  /** True for a secret's literal value: the line is then never shown. */
  readonly secret: boolean;
}

/** `['smoke','read',0,'http']` -> `smoke.read[0].http`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`)).join('');
}

/** In file order, each once: checking several environments finds the same mistake several times. */
export function tidyProblems(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Map(problems.map((problem) => [`${problem.line}:${problem.column}:${problem.message}`, problem]));
  return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

const REFERENCE = /\$\{[a-z]+:[A-Za-z_][A-Za-z0-9_]*\}/g;
/** Beyond this the list only hides its beginning; the file is probably of another kind. */
const MOST_SHOWN = 50;
const LONGEST_LINE = 160;

/**
 * The problems as a person reads them, each with `file:line:column`, path, message and the line with a caret.
 * The whole answer goes through `redact`, and lines that hold a secret are not shown at all.
 */
export function renderProblems(file: string, text: string, problems: readonly Problem[], redact: Redactor): string {
  const lines = text.split('\n');
  const safe = sparingReferences(redact);
  const hidden = new Set(problems.filter((problem) => problem.secret).map((problem) => problem.line));
  // A multi-line key cannot be recognised line by line.
  const showLines = !text.includes('PRIVATE KEY');
  const blocks = problems.slice(0, MOST_SHOWN).map((problem) => {
    const where = `${file}:${problem.line}:${problem.column}`;
    const head = `${where}${problem.path === '' ? '' : `  ${problem.path}`}\n  ${safe(problem.message)}`;
    const excerpt =
      showLines && !hidden.has(problem.line) ? renderExcerpt(problem, (lines[problem.line - 1] ?? '').replace(/\r$/, ''), safe) : null;
    return excerpt === null ? head : `${head}\n${excerpt}`;
  });
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  const more = problems.length > MOST_SHOWN ? `\n\n... and ${problems.length - MOST_SHOWN} more` : '';
  return `${count} in ${file}\n\n${blocks.join('\n\n')}${more}`;
}

function renderExcerpt(problem: Problem, line: string, redact: Redactor): string | null {
  if (line.trim() === '') return null;
  const number = String(problem.line).padStart(4);
  const shown = redact(line);
  // After a replacement the caret would point at the wrong place.
  if (shown !== line) return `${number} | ${shown.slice(0, LONGEST_LINE)}`;
  const start = Math.max(0, problem.column - 1 - LONGEST_LINE / 2);
  const cut = line.slice(start, start + LONGEST_LINE);
  const before = cut.slice(0, problem.column - 1 - start).replaceAll(/[^\t]/g, ' ');
  return `${number} | ${cut}\n     | ${before}^`;
}

/** `${secret:NAME}` looks like a secret's value to the redactor, but a name is just what the reader needs. */
function sparingReferences(redact: Redactor): Redactor {
  return (text) => {
    const references = text.match(REFERENCE) ?? [];
    let index = 0;
    const redacted = redact(text.replaceAll(REFERENCE, () => `\u0001${index++}\u0001`));
    // oxlint-disable-next-line no-control-regex -- the marker set just above
    return redacted.replaceAll(/\u0001(\d+)\u0001/g, (_marker, at: string) => references[Number(at)] ?? '');
  };
}
