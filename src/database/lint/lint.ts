import { otherDialect } from '../core/foreign-sql.ts';
import { finding, inOrder, type Finding } from '../core/lint/findings.ts';
import { carriedFrom, lintFile, type Claim, type InHistory, type Judged, type Unfolded } from '../core/lint/lint-file.ts';
import { copyOf, emptySchema, type Schema } from '../core/lint/schema.ts';
import type { Statement } from '../core/types.ts';
import type { LintOptions } from '../core/lint/types.ts';
import { RULES } from '../core/lint/rules.ts';
import { placeholderIn } from '../core/lint/sections.ts';
import { parseSql, type Parsed } from '../parser.ts';
import { LARGEST_FILE, TOO_LARGE } from './folder.ts';
import type { SourceFile } from './ports.ts';
import { unfold } from './unfold.ts';

/** One file's verdict and why. */
export interface LintedFile {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly verdict: 'pass' | 'fail' | 'unknown';
  readonly findings: readonly Finding[];
  readonly claims: readonly Claim[];
  /** The text, for showing lines of it. */
  readonly text: string;
}

/** What a run of the linter needs. */
export interface LintRequest {
  /** In the order in which they are applied. */
  readonly files: readonly SourceFile[];
  readonly options: LintOptions;
  /** Slipway applies them, and sets the limits itself. */
  readonly limited: boolean;
  /** From this file on the tool applies all in one transaction; left out: each file has its own. */
  readonly together?: number;
  /** Warnings fail too. */
  readonly strict?: boolean;
  /** What the database looks like before the first file; left out: nothing is known. */
  readonly schema?: Schema;
}

/** Judges files one after the other; each is judged knowing what those before it made. Never throws for anything in a file. */
export async function lintFiles({
  files,
  options,
  limited,
  strict = false,
  schema = emptySchema(),
  together,
}: LintRequest): Promise<readonly LintedFile[]> {
  const linted: LintedFile[] = [];
  const carried = together === undefined ? null : carriedFrom(together);
  for (const [index, file] of files.entries()) {
    // A down file takes back what is there when it runs, and leaves nothing for those after it.
    const around = { options, limited, schema: file.direction === 'down' ? copyOf(schema) : schema };
    const { findings, claims } = await lintOne(
      file,
      { index, files: files.length, ...(carried !== null && index >= (together ?? 0) ? { carried } : {}) },
      around,
    );
    linted.push({
      name: file.name,
      direction: file.direction,
      verdict: file.direction === 'down' ? downVerdict(findings) : verdictOf(findings, strict),
      findings,
      claims,
      text: file.text,
    });
  }
  return linted;
}

type Around = Pick<LintRequest, 'options' | 'limited'> & { readonly schema: Schema };

async function lintOne(file: SourceFile, place: InHistory, { options, limited, schema }: Around): Promise<Judged> {
  const gaps = file.gaps.map(({ message, ...place }) =>
    finding(file.name, { rule: 'not-sql', message, certainty: 'unknown' }, place, NOT_ALLOWED),
  );
  if (file.text.length > LARGEST_FILE) {
    const draft = { rule: 'not-sql', message: TOO_LARGE, certainty: 'unknown' } as const;
    return { findings: [...gaps, finding(file.name, draft, { line: 1, column: 1 }, NOT_ALLOWED)], claims: [] };
  }
  const parsed = await parseSql(file.text);
  if (!parsed.ok) {
    // A gap already says why it is not SQL.
    return { findings: gaps.length > 0 ? gaps : [refusal(file, parsed)], claims: [] };
  }
  const statements: Unfolded[] = [];
  for (const statement of parsed.statements) statements.push(await unfold(statement, file.text));
  const judged = lintFile(
    {
      name: file.name,
      text: file.text,
      ends: parsed.statements.map(lastLine),
      statements,
      transactions: file.transactions,
      limited,
      unmixed: file.unmixed === true,
    },
    place,
    schema,
    options,
  );
  return { ...judged, findings: inOrder([...gaps, ...judged.findings]) };
}

function lastLine({ line, text }: Statement): number {
  return line + text.trimEnd().split('\n').length - 1;
}

/** Why a file cannot be judged: no SQL at all, or SQL of something else. */
function refusal({ name, text }: SourceFile, parsed: Parsed & { readonly ok: false }): Finding {
  const place = { line: parsed.line, column: parsed.column };
  const placeholder = placeholderIn(text);
  const other = otherDialect(text);
  const unknown = (message: string, at = place): Finding =>
    finding(name, { rule: 'not-sql', message, certainty: 'unknown' }, at, NOT_ALLOWED);
  if (placeholder !== null)
    return unknown(`${placeholder.written} is a placeholder without a value: give --define NAME=VALUE`, placeholder);
  if (other !== null) return unknown(`unsupported: this looks like ${other}; only PostgreSQL is judged`);
  if (parsed.unsupported) return unknown(`unsupported: ${parsed.message}`);
  return finding(name, { rule: 'unreadable', message: parsed.message }, place, { severity: RULES.unreadable.severity, allowed: null });
}

/** The way back is needed most when something is wrong already, so it is told what it locks but never stopped. */
function downVerdict(findings: readonly Finding[]): LintedFile['verdict'] {
  return findings.some((one) => one.rule === 'unreadable' || one.rule === 'not-sql') ? 'unknown' : 'pass';
}

const NOT_ALLOWED = { severity: RULES['not-sql'].severity, allowed: null } as const;

/** An error fails; what could not be judged is unknown; notices change nothing. */
function verdictOf(findings: readonly Finding[], strict: boolean): LintedFile['verdict'] {
  const counted = findings.filter((one) => one.allowed === null);
  const fails = ({ severity, certainty }: Finding): boolean =>
    certainty === 'known' && (severity === 'error' || (strict && severity === 'warning'));
  if (counted.some(fails)) return 'fail';
  return counted.some((one) => one.certainty === 'unknown' && one.severity !== 'notice') ? 'unknown' : 'pass';
}
