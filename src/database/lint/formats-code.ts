import { CODE_DIALECTS, codeDirections, codeSql } from '../core/lint/code-sql.ts';
import type { TransactionMode } from '../core/lint/types.ts';
import { byNumber, unreadable } from './folder.ts';
import type { Folder, Format, SourceFile } from './ports.ts';
import { PRINTERS, type Printer } from './printers.ts';

type Dialect = keyof typeof CODE_DIALECTS;

interface Code {
  readonly name: Dialect;
  readonly files: RegExp;
  /** What every migration of the tool has in its text. */
  readonly mark: RegExp;
  readonly noTransaction: RegExp;
}

const CODES: readonly Code[] = [
  { name: 'ecto', files: /\.exs$/, mark: /use\s+Ecto\.Migration\b/, noTransaction: /@disable_ddl_transaction\s+true/ },
  { name: 'typeorm', files: /\.[cm]?[jt]s$/, mark: /MigrationInterface|queryRunner/, noTransaction: /\btransaction\s*=\s*false/ },
  { name: 'knex', files: /\.[cm]?[jt]s$/, mark: /\bknex\b/, noTransaction: /\btransaction\s*:\s*false/ },
];

/** Tools whose migrations are programs: the SQL written in them is judged, what their builders make is said to be unknown. */
export const CODE_FORMATS: readonly Format[] = CODES.map((code) => ({
  name: code.name,
  detect: async (folder) => marked(folder, filesOf(folder, code), code.mark),
  read: async (folder) => {
    const files: SourceFile[] = [];
    for (const name of filesOf(folder, code).toSorted(byNumber)) files.push(...(await readCode(folder, name, code)));
    return files;
  },
}));

function filesOf({ files }: Folder, { files: pattern }: Code): readonly string[] {
  return files.filter((name) => pattern.test(name) && !name.includes('/') && !/\.d\.ts$|\.test\./.test(name));
}

/** Tools that only print SQL themselves: they are asked to, or their files are named with the command that does. */
export const PRINTED_FORMATS: readonly Format[] = PRINTERS.map((printer) => ({
  name: 'printed',
  detect: async (folder) => marked(folder, printedFiles(folder, printer), printer.mark),
  read: async (folder, asks = false) => {
    const names = printedFiles(folder, printer);
    if (asks && printer.print !== null) return printer.print(folder, names);
    return names.map((name) => unreadable(name, `unsupported: a migration of ${printer.name} is a program; ${printer.advice}`));
  },
}));

/** The tool that wrote the programs of a folder, with its files; null when none is known. */
export async function programsIn(folder: Folder): Promise<{ readonly tool: string; readonly files: readonly string[] } | null> {
  for (const code of CODES) {
    const files = filesOf(folder, code);
    if (await marked(folder, files, code.mark)) return { tool: code.name, files };
  }
  for (const printer of PRINTERS) {
    const files = printedFiles(folder, printer);
    if (await marked(folder, files, printer.mark)) return { tool: printer.name, files };
  }
  return null;
}

function printedFiles({ files }: Folder, { files: pattern }: Printer): readonly string[] {
  return files.filter((name) => pattern.test(name) && !name.startsWith('__'));
}

async function marked(folder: Folder, names: readonly string[], mark: RegExp): Promise<boolean> {
  for (const name of names.slice(0, 3)) {
    const read = await folder.text(name);
    if (read.ok && mark.test(read.text)) return true;
  }
  return false;
}

async function readCode(folder: Folder, name: string, code: Code): Promise<readonly SourceFile[]> {
  const read = await folder.text(name);
  if (!read.ok) return [unreadable(name, read.why)];
  const transactions: TransactionMode = code.noTransaction.test(read.text) ? 'statement' : 'file';
  const parts = codeDirections(read.text);
  return (['up', 'down'] as const).map((direction) => {
    const [from, to] = parts[direction];
    return { name, direction, transactions, conditional: true, ...codeSql(read.text, CODE_DIALECTS[code.name], from, to) };
  });
}
