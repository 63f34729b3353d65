import { ledgerLine } from './plan/ledger.ts';
import type { RollbackClass } from './types.ts';

/** What a file says about itself in its leading comments. */
export interface Header {
  readonly transactional: boolean | null;
  readonly rollback: { readonly rollbackClass: RollbackClass; readonly because: string } | null;
  /** What is wrong with it, with the line; empty when nothing is. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

const DIRECTIVE = /^--\s*slipway:\s*(.*?)\s*$/i;
const ROLLBACK = /^rollback=(\S+)(?:\s+because\s+"([^"]*)")?$/;
const CLASSES: readonly string[] = ['app', 'reversible', 'restore', 'forward-fix'] satisfies readonly RollbackClass[];

/**
 * Reads `-- slipway: no-transaction` and `-- slipway: rollback=CLASS because "..."` from the comments before the first statement;
 * `-- slipway: allow RULE because "..."` is read by lint, `-- slipway: ledger FIELD "..."` by the plan.
 * Anything else after `-- slipway:` is a problem: a misspelt directive must not be taken for a comment.
 */
export function parseHeader(sql: string): Header {
  let transactional: boolean | null = null;
  let rollback: Header['rollback'] = null;
  const problems: { line: number; message: string }[] = [];
  for (const [index, text] of sql.split(/\r?\n/).entries()) {
    const line = text.trim();
    if (line !== '' && !line.startsWith('--')) break;
    const directive = DIRECTIVE.exec(line)?.[1];
    const ledger = ledgerLine(line);
    if (typeof ledger === 'string') problems.push({ line: index + 1, message: ledger });
    if (ledger !== null) continue;
    // What lint is told is lint's to read.
    if (directive === undefined || /^allow\b/.test(directive)) continue;
    if (directive === 'no-transaction') {
      transactional = false;
      continue;
    }
    const read = readRollback(directive);
    if (typeof read === 'string') problems.push({ line: index + 1, message: read });
    else rollback = read;
  }
  return { transactional, rollback, problems };
}

function readRollback(directive: string): NonNullable<Header['rollback']> | string {
  const [, name, because] = ROLLBACK.exec(directive) ?? [];
  if (name === undefined)
    return `"-- slipway: ${directive}" is not understood; write no-transaction, rollback=CLASS because "...", or allow RULE because "..."`;
  if (!isRollbackClass(name)) return `"${name}" is not a rollback class; use one of ${CLASSES.join(', ')}`;
  if (because === undefined || because.trim() === '') return `rollback=${name} needs a reason: rollback=${name} because "..."`;
  return { rollbackClass: name, because };
}

function isRollbackClass(text: string): text is RollbackClass {
  return CLASSES.includes(text);
}
