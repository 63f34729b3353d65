import type { Statement } from '../types.ts';
import { adviceFor } from './advice.ts';
import { bytesOf, utf8Length } from './command-place.ts';
import { LEADING_COMMENTS } from './fixes.ts';
import type { LockMode } from './measured-facts.ts';
import { RULES, type Category, type RuleId } from './rules.ts';
import type { Suppression } from './suppressions.ts';
import type { Draft, LintOptions, Placed, Severity, TableSize } from './types.ts';

/** A file as it is told to people. */
export interface Source {
  /** As the user knows it. */
  readonly name: string;
  /** Its text, sections of another direction blanked out, so that positions are those of the file. */
  readonly text: string;
  /** The last line of each statement. */
  readonly ends: readonly number[];
}

/** Where something is: line and column from 1, column in characters. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong, where, why, and what to do instead. */
export interface Finding extends Place {
  readonly rule: RuleId;
  readonly category: Category;
  readonly severity: Severity;
  /** `unknown`: only the catalog could tell. */
  readonly certainty: 'known' | 'unknown';
  readonly message: string;
  readonly why: string;
  readonly fix: string | null;
  readonly relation: string | null;
  readonly file: string;
  /** The author's reason, when the finding is allowed by a comment. */
  readonly allowed: string | null;
}

export type { LockMode };

/** A draft with the statement it is about. */
export interface Found {
  readonly draft: Draft;
  readonly statement: Statement;
  readonly base: number | null;
  readonly inside: Placed['inside'];
  /** These files made its table not long before. */
  readonly young: boolean;
}

/** A finding about a whole statement. */
export function whole(draft: Draft, statement: Statement): Found {
  return { draft, statement, base: 0, inside: null, young: false };
}

/** Gives drafts their places and severities, and takes out what a comment allows. */
export function settle(
  source: Source,
  found: readonly Found[],
  suppressions: readonly Suppression[],
  options: LintOptions,
): readonly Finding[] {
  const lines = linesOf(source.text);
  const used = new Set<Suppression>();
  const findings = found.map((one): Finding => {
    const place = placeOf(one, lines);
    const allowing = suppressions.find((each) => each.problem === null && each.rule === one.draft.rule && covers(each, source, place));
    if (allowing !== undefined) used.add(allowing);
    return finding(source.name, one.draft, place, { severity: severityOf(one, options), allowed: allowing?.because ?? null });
  });
  return inOrder([...findings, ...aboutSuppressions(source.name, suppressions, used)]);
}

/** As they stand in the file. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** A finding from its parts; for those that are not about a statement too. */
// oxlint-disable-next-line max-params -- file, what, where and how
export function finding(
  file: string,
  draft: Draft,
  place: Place,
  { severity, allowed }: { readonly severity: Severity; readonly allowed: string | null },
): Finding {
  const { category, why } = RULES[draft.rule];
  return {
    rule: draft.rule,
    category,
    severity,
    certainty: draft.certainty ?? 'known',
    message: draft.message,
    why,
    fix: draft.fix ?? adviceFor(draft.rule),
    relation: draft.relation ?? null,
    file,
    ...place,
    allowed,
  };
}

const DOWN: Readonly<Record<Severity, Severity>> = { error: 'warning', warning: 'notice', notice: 'notice' };
const UP: Readonly<Record<Severity, Severity>> = { error: 'error', warning: 'error', notice: 'warning' };
const SMALL_BYTES = 10 * 1024 * 1024;
const LARGE_BYTES = 1024 * 1024 * 1024;
const LARGE_ROWS = 10_000_000;

/** The rule's severity, or the draft's own; by the table's size, or what else tells how bad it can be; lower for what only runs when a function is called. */
function severityOf({ draft, inside, young }: Found, { sizes }: LintOptions): Severity {
  const own = draft.severity ?? RULES[draft.rule].severity;
  const size = draft.relation === undefined ? undefined : sizes.get(draft.relation);
  const sized = draft.scales === true ? (size === undefined ? unsized(own, young || draft.readable === true) : bySize(own, size)) : own;
  return inside === 'function' && draft.atOnce !== true ? DOWN[sized] : sized;
}

/** Nobody knows the size: a table that is hardly large, or a lock that readers do not notice, is worth a look and stops nothing. */
function unsized(severity: Severity, mild: boolean): Severity {
  return mild ? DOWN[severity] : severity;
}

function bySize(severity: Severity, { rows, bytes }: TableSize): Severity {
  if (bytes >= LARGE_BYTES || rows >= LARGE_ROWS) return UP[severity];
  return bytes < SMALL_BYTES ? DOWN[severity] : severity;
}

/** A comment covers the statement it stands in front of, and what is on its own line. */
function covers({ line }: Suppression, { ends }: Source, place: Place): boolean {
  return place.line >= line
    ? place.line <= (ends.find((end) => end >= line) ?? line)
    : ends.find((end) => end >= place.line) === ends.find((end) => end >= line);
}

function aboutSuppressions(file: string, all: readonly Suppression[], used: ReadonlySet<Suppression>): readonly Finding[] {
  return all.flatMap((one) => {
    const place = { line: one.line, column: one.column };
    if (one.problem !== null)
      return [finding(file, { rule: 'suppression', message: one.problem }, place, { severity: 'error', allowed: null })];
    if (used.has(one)) return [];
    return [
      finding(file, { rule: 'unused-suppression', message: `nothing here breaks ${one.rule}` }, place, {
        severity: 'notice',
        allowed: null,
      }),
    ];
  });
}

/** A line of the file, and the byte at which it begins. */
interface Line {
  readonly start: number;
  readonly text: string;
}

function linesOf(text: string): readonly Line[] {
  let start = 0;
  return text.split('\n').map((line) => {
    const one = { start, text: line };
    start += bytesOf(line) + 1;
    return one;
  });
}

function placeOf({ draft, statement, base }: Found, lines: readonly Line[]): Place {
  if (base === null) return { line: statement.line, column: 1 };
  const at = draft.at === undefined ? ownStart(statement) : draft.at + base;
  return at === null ? { line: statement.line, column: 1 } : placeAt(lines, at);
}

/** Where a statement's own words begin, after the comments before it. */
function ownStart({ text, start }: Found['statement']): number | null {
  return start === null ? null : start + bytesOf(LEADING_COMMENTS.exec(text)?.[0] ?? '');
}

/** Line and column of a byte. */
function placeAt(lines: readonly Line[], at: number): Place {
  let [low, high] = [0, lines.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lines[middle]?.start ?? 0) <= at) low = middle;
    else high = middle - 1;
  }
  let byte = lines[low]?.start ?? 0;
  let column = 1;
  for (const character of lines[low]?.text ?? '') {
    if (byte >= at) break;
    byte += utf8Length(character);
    column += 1;
  }
  return { line: low + 1, column };
}

/** Said once for each file, at the first place. */
const ONCE: ReadonlySet<string> = new Set(['lock-timeout', 'statement-timeout', 'idle-timeout', 'several-locks', 'work-under-lock']);

/** Without what was told of the file before. */
export function oncePerFile(found: readonly Found[]): readonly Found[] {
  const told = new Set<string>();
  return found.filter(({ draft: { rule } }) => {
    if (!ONCE.has(rule)) return true;
    if (told.has(rule)) return false;
    told.add(rule);
    return true;
  });
}
