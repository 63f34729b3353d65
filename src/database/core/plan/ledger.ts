import type { Schema, Table } from '../lint/schema.ts';
import { typeText } from '../lint/type-change.ts';

/** What must be known of a migration before it is applied. */
const LEDGER_FIELDS = [
  'old-shape',
  'new-shape',
  'rows',
  'old-code',
  'new-code',
  'workers',
  'reporting',
  'rollback',
  'artifacts',
  'dependants',
  'validation',
] as const;

export type LedgerField = (typeof LEDGER_FIELDS)[number];

/** What a file says of itself in lines `-- slipway: ledger FIELD "text"`. */
export type Declared = Readonly<Partial<Record<LedgerField, string>>>;

/** One answer and where it is from; nobody knows it where there is none. */
export interface LedgerEntry {
  readonly value: string | null;
  readonly from: 'declared' | 'database' | 'file' | 'unknown';
}

export type Ledger = Readonly<Record<LedgerField, LedgerEntry>>;

const LINE = /^--\s*slipway:\s*ledger\b\s*(.*?)\s*$/i;

/** Reads one line of a header. Null when it is none of these, a sentence when it is one that is wrong. */
export function ledgerLine(line: string): { readonly field: LedgerField; readonly text: string } | string | null {
  const given = LINE.exec(line)?.[1];
  if (given === undefined) return null;
  const [, name = '', text = ''] = /^([a-z-]+)\s+"([^"]*)"$/.exec(given) ?? [];
  const field = LEDGER_FIELDS.find((one) => one === name);
  if (field === undefined || text.trim() === '') return `write: -- slipway: ledger FIELD "text", with one of ${LEDGER_FIELDS.join(', ')}`;
  return { field, text };
}

/** What the leading comments of a file declare. */
export function declaredIn(sql: string): Declared {
  const declared: Partial<Record<LedgerField, string>> = {};
  for (const raw of sql.split(/\r?\n/)) {
    const line = raw.trim();
    if (line !== '' && !line.startsWith('--')) break;
    const read = ledgerLine(line);
    if (read !== null && typeof read === 'object') declared[read.field] = read.text;
  }
  return declared;
}

const UNKNOWN: LedgerEntry = { value: null, from: 'unknown' };

/** Puts together what is declared, which goes first, and what was found out. */
export function ledgerOf(declared: Declared, found: Readonly<Partial<Record<LedgerField, LedgerEntry>>>): Ledger {
  const entry = (field: LedgerField): LedgerEntry => {
    const text = declared[field];
    return text === undefined ? (found[field] ?? UNKNOWN) : { value: text, from: 'declared' };
  };
  return Object.fromEntries(LEDGER_FIELDS.map((field) => [field, entry(field)])) as Ledger;
}

/** What tables of a schema look like, told of the columns that differ between the two. */
export function shapes(before: Schema, after: Schema): { readonly old: string; readonly new: string } {
  const names = [...new Set([...before.tables.keys(), ...after.tables.keys()])].toSorted();
  const pairs = names
    .map((name) => [before.tables.get(name), after.tables.get(name)] as const)
    .map(([was, is]) => [was, is, changed(was, is)] as const);
  const differing = pairs.filter(([was, is, columns]) => columns.length > 0 || (was === undefined) !== (is === undefined));
  if (differing.length === 0) return { old: 'tables and columns stay as they are', new: 'tables and columns stay as they are' };
  const tell = (which: 0 | 1): string =>
    differing
      .map((one) => {
        const table = one[which];
        const name = (one[0] ?? one[1])?.name ?? '';
        return table === undefined ? `${name}: not there` : `${name} (${one[2].map((column) => columnText(table, column)).join(', ')})`;
      })
      .join('; ');
  return { old: tell(0), new: tell(1) };
}

function changed(was: Table | undefined, is: Table | undefined): readonly string[] {
  const names = [...new Set([...(was?.columns.keys() ?? []), ...(is?.columns.keys() ?? [])])];
  return names.filter((name) => (was === undefined ? '' : columnText(was, name)) !== (is === undefined ? '' : columnText(is, name)));
}

function columnText(table: Table, name: string): string {
  const column = table.columns.get(name);
  if (column === undefined) return `no ${name}`;
  return [name, ...(column.type === null ? [] : [typeText(column.type)]), ...(column.notNull ? ['not null'] : [])].join(' ');
}
