import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { LOCK_MODES } from '../../../src/database/core/lint/measured-facts.ts';
import type { Finding, TransactionMode } from '../../../src/database/index.ts';
import { judge } from './support.ts';
import { DIFFERENT, MATCHING } from './vectors.ts';

/** Other linters' cases, beside the repository and not part of it. */
const FILE = new URL('../../../../shared/vectors/lint-cases.json', import.meta.url);
const there = existsSync(FILE);
if (!there) process.stderr.write('lint: ../shared/vectors/lint-cases.json is not there, its cases are skipped\n');

interface Case {
  readonly id: string;
  readonly source_tool: string;
  readonly sql: string;
  readonly settings: { readonly pg_version: string; readonly assume_in_transaction?: boolean; readonly schema_setup?: string };
  readonly rules_under_test: readonly string[];
  readonly expected_rules: readonly string[];
  readonly expected_lock?: string;
  readonly safe: boolean | null;
}

const cases = there ? (JSON.parse(readFileSync(FILE, 'utf8')) as readonly Case[]) : [];

/** How the tool takes a file, unless the case says it. */
function transactions({ source_tool: tool, settings, sql }: Case): TransactionMode {
  if (sql.includes('squawk-disable-assume-in-transaction')) return 'statement';
  if (tool === 'bytebase' || tool === 'postgres-language-server') return 'file';
  // Eugene sends a file as one string, in which CREATE INDEX CONCURRENTLY may stand alone.
  if (tool.startsWith('eugene')) return 'string';
  return settings.assume_in_transaction === true ? 'file' : 'statement';
}

function version({ settings }: Case): number {
  return settings.pg_version.startsWith('unset') ? 11 : settings.pg_version === 'any' ? 15 : Number.parseInt(settings.pg_version, 10);
}

/** The set-up's files come long before, so that its tables are not young. */
function filesOf({ sql, settings, safe }: Case): readonly string[] {
  const before = (settings.schema_setup ?? '').split(/^-- \d+\.sql$/m);
  return [...before, ...Array.from({ length: 11 }, () => ''), safe === true ? ownWords(sql) : sql];
}

/** What a tool's own comment lets pass, in our words. */
function ownWords(sql: string): string {
  return sql.replace(/^--\s*eugene:\s*ignore\s+(.*)$/gm, (_, codes: string) =>
    codes
      .split(/[\s,]+/)
      .flatMap((code) => MATCHING[code] ?? [])
      .map((rule) => `-- slipway: allow ${rule} because "the case says so"`)
      .join('\n'),
  );
}

function ours(rules: readonly string[]): readonly string[] {
  return rules.flatMap((rule) => MATCHING[rule] ?? []);
}

function answer(one: Case, all: readonly Finding[]): boolean {
  const findings = all.filter(({ allowed }) => allowed === null);
  const found = new Set<string>(findings.map(({ rule }) => rule));
  if (one.safe === false) return one.expected_rules.every((rule) => (MATCHING[rule] ?? []).some((each) => found.has(each)));
  // `*`: the tool asked all its rules and found nothing, so nothing of ours may block.
  if (one.rules_under_test.includes('*'))
    return findings.every(({ severity, certainty }) => severity !== 'error' || certainty === 'unknown');
  const wrong = ours(one.rules_under_test);
  return wrong.length > 0 && findings.every(({ rule, certainty }) => !wrong.includes(rule) || certainty === 'unknown');
}

describe.skipIf(!there)('the verdicts of other linters', () => {
  const judged = cases.filter((one) => one.safe !== null);
  test.each(judged.filter(({ id }) => !DIFFERENT.has(id)))('$id', async (one) => {
    const { findings } = await judge(filesOf(one), { version: version(one), transactions: transactions(one), limited: false });
    expect(
      { sql: one.sql.trim(), safe: one.safe, expected: one.expected_rules, agrees: answer(one, findings) },
      findings.map(({ rule }) => rule).join(' '),
    ).toMatchObject({ agrees: true });
  });

  test('the decision record names every case in which we differ', () => {
    const record = readFileSync(new URL('../../../docs/decisions/0017-lint-and-other-linters.md', import.meta.url), 'utf8');
    expect([...DIFFERENT].filter((id) => !record.includes(id))).toEqual([]);
  });

  test('where we differ, we do', async () => {
    for (const one of judged.filter(({ id }) => DIFFERENT.has(id))) {
      const { findings } = await judge(filesOf(one), { version: version(one), transactions: transactions(one), limited: false });
      expect(answer(one, findings), one.id).toBe(false);
    }
  });

  test.each(cases.filter((one) => one.expected_lock !== undefined && !DIFFERENT.has(one.id)))('lock of $sql', async (one) => {
    const { claims } = await judge(one.sql, { version: 15 });
    const strongest = Math.max(...claims.flatMap(({ locks }) => locks.map(({ mode }) => LOCK_MODES.indexOf(mode))));
    expect(LOCK_MODES[strongest]?.replaceAll(' ', '')).toBe(one.expected_lock?.toUpperCase());
  });
});
