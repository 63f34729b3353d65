import { forgetAll } from '../core/lint/dependant.ts';
import { otherDialect } from '../core/foreign-sql.ts';
import { finding, inOrder, type Finding } from '../core/lint/findings.ts';
import { carriedFrom, lintFile, type Claim, type InHistory, type Judged } from '../core/lint/lint-file.ts';
import { copyOf, emptySchema, type Schema } from '../core/lint/schema.ts';
import type { Statement } from '../core/types.ts';
import { readAs, type Sent } from '../core/lint/psql.ts';
import type { LintOptions, Severity } from '../core/lint/types.ts';
import { RULES } from '../core/lint/rules.ts';
import { placeholderIn, type Defines } from '../core/lint/sections.ts';
import type { Parsed } from '../parser.ts';
import { LARGEST_FILE, TOO_LARGE } from './folder.ts';
import type { Gap, SourceFile } from './ports.ts';
import { readStatements } from './read-statements.ts';

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
  /** Values for variables of psql. */
  readonly defines?: Defines;
}

/** Judges files one after the other; each is judged knowing what those before it made. Never throws for anything in a file. */
export async function lintFiles({
  files,
  options,
  limited,
  strict = false,
  schema = emptySchema(),
  together,
  defines = new Map(),
}: LintRequest): Promise<readonly LintedFile[]> {
  const linted: LintedFile[] = [];
  const carried = together === undefined ? null : carriedFrom(together);
  for (const [index, file] of files.entries()) {
    // A down file takes back what is there when it runs, and leaves nothing for those after it.
    const around = {
      options,
      limited,
      defines,
      schema: file.direction === 'down' ? schemaForDown(schema, file, files[index - 1]) : schema,
    };
    const { findings, claims, text } = await lintOne(
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
      text: text ?? file.text,
    });
  }
  return linted;
}

/** Only right behind its own up file is it certain what a down file meets. */
function schemaForDown(schema: Schema, { name }: SourceFile, before: SourceFile | undefined): Schema {
  const copy = copyOf(schema);
  const bare = (one: string): string => one.replace(/(?:^|[./])(?:up|down)\.sql$/i, '');
  if (before?.direction !== 'up' || bare(before.name) !== bare(name)) forgetAll(copy.dependants);
  return copy;
}

type Around = Pick<LintRequest, 'options' | 'limited'> & { readonly schema: Schema; readonly defines: Defines };

/** What a file is, and its text where that was judged with other words than were written. */
type JudgedFile = Judged & { readonly text?: string };

async function lintOne(written: SourceFile, place: InHistory, { options, limited, schema, defines }: Around): Promise<JudgedFile> {
  if (written.text.length > LARGEST_FILE) {
    forgetAll(schema.dependants);
    return { findings: [...written.gaps, LARGE].map((one) => gapAt(written, one)), claims: [] };
  }
  const sent = written.readsAs === undefined ? AS_IT_IS : readAs(written.readsAs, written.text, defines);
  const file = { ...written, text: sent.text ?? written.text };
  const gaps = [...file.gaps, ...sent.gaps].map((one) => gapAt(file, one));
  const beside = besideSql(file, sent);
  const read = await readStatements(file.text);
  // What was not read may have dropped anything.
  if (gaps.length > 0 || !read.ok) forgetAll(schema.dependants);
  // A gap already says why it is not SQL.
  if (!read.ok) return { findings: gaps.length > 0 ? gaps : whyUnreadable(refusal(file, read), sent, beside), claims: [] };
  const judged = lintFile(
    {
      name: file.name,
      text: read.text,
      ends: read.statements.map(({ statement }) => lastLine(statement)),
      statements: read.statements,
      transactions: file.transactions,
      limited,
      unmixed: file.unmixed === true,
      loose: file.readsAs === 'psql' && file.transactions === 'auto',
      // Of a plain folder nobody knows whether its files are steps of one way.
      conditional: file.readsAs === 'psql' || file.conditional === true,
    },
    place,
    schema,
    options,
  );
  if (gaps.length > 0) forgetAll(schema.dependants);
  const findings = inOrder([...gaps, ...beside, ...judged.findings]);
  return { ...judged, findings, ...(read.text === file.text ? {} : { text: read.text }) };
}

const AS_IT_IS: Omit<Sent, 'text'> & { readonly text: null } = { text: null, gaps: [], refused: [], first: null };
const LARGE: Gap = { line: 1, column: 1, message: TOO_LARGE };

function gapAt({ name }: SourceFile, { message, ...place }: Gap): Finding {
  return finding(name, { rule: 'not-sql', message, certainty: 'unknown' }, place, NOT_ALLOWED);
}

/** What only psql reads: refused where another tool runs the file, and a remark where nobody knows who does. */
function besideSql({ name }: SourceFile, { refused, first }: Pick<Sent, 'refused' | 'first'>): readonly Finding[] {
  const of = ({ message, ...place }: Gap, severity: Severity): Finding =>
    finding(name, { rule: 'psql-only', message }, place, { severity, allowed: null });
  return [...refused.map((one) => of(one, RULES['psql-only'].severity)), ...(first === null ? [] : [of(first, 'notice')])];
}

/** What is refused is why the rest cannot be read, but in a template, or in SQL of another database. */
function whyUnreadable(why: Finding, { refused }: Pick<Sent, 'refused'>, beside: readonly Finding[]): readonly Finding[] {
  return refused.length > 0 && why.rule !== 'not-sql' ? beside : [why];
}

function lastLine({ line, text }: Statement): number {
  return line + text.trimEnd().split('\n').length - 1;
}

/** Why a file cannot be judged: no SQL at all, or SQL of something else. */
function refusal({ name, text, readsAs }: SourceFile, parsed: Parsed & { readonly ok: false }): Finding {
  const place = { line: parsed.line, column: parsed.column };
  const placeholder = placeholderIn(text);
  const other = otherDialect(text);
  const unknown = (message: string, at = place): Finding =>
    finding(name, { rule: 'not-sql', message, certainty: 'unknown' }, at, NOT_ALLOWED);
  if (placeholder !== null)
    return unknown(`${placeholder.written} is a placeholder without a value: give --define NAME=VALUE`, placeholder);
  if (other !== null) return unknown(`unsupported: this looks like ${other}; only PostgreSQL is judged`);
  if (parsed.unsupported === 'psql' && readsAs === 'psql') return unknown(`${parsed.message}, or give it with --define NAME=VALUE`);
  if (parsed.unsupported === 'psql' && readsAs !== undefined)
    return finding(name, { rule: 'psql-only', message: parsed.message }, place, { severity: RULES['psql-only'].severity, allowed: null });
  if (parsed.unsupported !== null) return unknown(`unsupported: ${parsed.message}`);
  return finding(name, { rule: 'unreadable', message: parsed.message }, place, { severity: RULES.unreadable.severity, allowed: null });
}

const UNREAD: ReadonlySet<string> = new Set(['unreadable', 'not-sql', 'psql-only']);

/** The way back is needed most when something is wrong already, so it is told what it locks but never stopped. */
function downVerdict(findings: readonly Finding[]): LintedFile['verdict'] {
  return findings.some((one) => UNREAD.has(one.rule) && one.severity !== 'notice') ? 'unknown' : 'pass';
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
