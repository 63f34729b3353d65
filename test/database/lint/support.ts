import { lintFiles } from '../../../src/database/index.ts';
import type { Finding, RuleId, TransactionMode } from '../../../src/database/index.ts';

/** How SQL given to {@link lint} is judged. */
export interface Setting {
  readonly version?: number;
  readonly minor?: number;
  readonly transactions?: TransactionMode;
  readonly sizes?: Readonly<Record<string, { readonly rows: number; readonly bytes: number }>>;
  readonly limited?: boolean;
}

/** Judges files, given as their SQL in order, and answers the findings of the last. */
export async function lint(sql: string | readonly string[], setting: Setting = {}): Promise<readonly Finding[]> {
  return (await judge(sql, setting)).findings;
}

/** As {@link lint}, with the last file's verdict. */
export async function judge(sql: string | readonly string[], setting: Setting = {}) {
  const texts = typeof sql === 'string' ? [sql] : sql;
  const files = texts.map((text, index) => ({
    name: `${index + 1}.sql`,
    text,
    direction: 'up' as const,
    transactions: setting.transactions ?? ('file' as const),
    gaps: [],
  }));
  const options = {
    version: setting.version ?? 18,
    ...(setting.minor === undefined ? {} : { minor: setting.minor }),
    utc: null,
    sizes: new Map(Object.entries(setting.sizes ?? {})),
  };
  const linted = await lintFiles({ files, options, limited: setting.limited ?? true });
  const last = linted.at(-1);
  if (last === undefined) throw new Error('there was nothing to judge');
  return last;
}

/** `error add-check` for each finding that is no notice; with `notices` those too. */
export function ruled(findings: readonly Finding[], notices = false): readonly string[] {
  return findings
    .filter((one) => one.allowed === null && (notices || one.severity !== 'notice'))
    .map((one) => `${one.severity} ${one.rule}`);
}

/** The findings of one rule. */
export function ofRule(findings: readonly Finding[], rule: RuleId): readonly Finding[] {
  return findings.filter((one) => one.rule === rule);
}
