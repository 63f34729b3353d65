import { isRuleId } from './rules.ts';

/** A comment `-- slipway: allow RULE because "reason"`. */
export interface Suppression {
  readonly rule: string;
  readonly because: string;
  readonly line: number;
  readonly column: number;
  /** What is wrong with it; null when nothing is. */
  readonly problem: string | null;
}

const COMMENT = /--\s*slipway:\s*allow\b(.*)$/i;
const ALLOWS = /^\s+([a-z-]+)(?:\s+because\s+"([^"]*)")?\s*$/;

/** Every suppression of a file. One that names no rule or no reason suppresses nothing and is told. */
export function readSuppressions(text: string): readonly Suppression[] {
  if (!text.includes('slipway:')) return [];
  return text.split('\n').flatMap((line, index) => {
    const found = COMMENT.exec(line.replace(/\r$/, ''));
    if (found === null) return [];
    const [, rule = '', because = ''] = ALLOWS.exec(found[1] ?? '') ?? [];
    return [{ rule, because, line: index + 1, column: found.index + 1, problem: problemOf(rule, because) }];
  });
}

function problemOf(rule: string, because: string): string | null {
  if (rule === '') return 'write: -- slipway: allow RULE because "reason"';
  if (!isRuleId(rule)) return `"${rule}" is no rule; docs/lint.md lists them`;
  return because.trim() === '' ? `allow ${rule} needs a reason: -- slipway: allow ${rule} because "..."` : null;
}
