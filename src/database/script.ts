import { createHash } from 'node:crypto';
import { otherDialect } from './core/foreign-sql.ts';
import { declaredIn, type Declared } from './core/plan/ledger.ts';
import { parseHeader, type Header } from './core/header.ts';
import { placeholderIn } from './core/lint/sections.ts';
import { arrange } from './core/transactions.ts';
import type { Statement } from './core/types.ts';
import { parseSql, type Parsed } from './parser.ts';

/** One direction of a migration's file, checked and ready to run. */
export interface Script {
  /** As the user knows it, e.g. `0002_add_price.up.sql`. */
  readonly file: string;
  readonly sha256: string;
  readonly transactional: boolean;
  readonly statements: readonly Statement[];
  /** What the file says of itself. */
  readonly ledger: Declared;
}

export type ReadScript =
  | { readonly ok: true; readonly script: Script; readonly rollback: Header['rollback'] }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What a script is made of. */
export interface ScriptText {
  readonly file: string;
  /** Its direction alone, at the lines where it stands in the file. */
  readonly sql: string;
  /** All of the file. */
  readonly bytes: Uint8Array;
  /** False: its tool was told to run it without a transaction. */
  readonly transactional: boolean | null;
  /** Its tool writes BEGIN and COMMIT into its files. */
  readonly pairs?: boolean;
}

/** Parses and checks one direction of a file; every problem comes with its line. */
export async function readScript({ file, sql, bytes, transactional, pairs = false }: ScriptText): Promise<ReadScript> {
  const refuse = (message: string, line: number): ReadScript => ({ ok: false, problems: [`${file}:${line}: ${message}`] });
  const header = parseHeader(sql);
  if (header.problems.length > 0) return { ok: false, problems: header.problems.map((one) => `${file}:${one.line}: ${one.message}`) };
  const parsed = await parseSql(sql);
  if (!parsed.ok) return refuse(...explained(sql, parsed));
  const arranged = arrange(parsed.statements, header.transactional ?? transactional, pairs);
  if (!arranged.ok) return refuse(arranged.message, arranged.line);
  return {
    ok: true,
    script: {
      file,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      transactional: arranged.transactional,
      statements: arranged.statements,
      ledger: declaredIn(sql),
    },
    rollback: header.rollback,
  };
}

/** What does not parse is often SQL of another database, or a template: then that is what a person has to know. */
function explained(sql: string, { message, line }: Extract<Parsed, { ok: false }>): readonly [message: string, line: number] {
  const placeholder = placeholderIn(sql);
  if (placeholder !== null)
    return [`${placeholder.written} is a placeholder of a template, not SQL; keep the file as the SQL that is to be run`, placeholder.line];
  const other = otherDialect(sql);
  return [other === null ? message : `unsupported: this looks like ${other}; only PostgreSQL is migrated (${message})`, line];
}
