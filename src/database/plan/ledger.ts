import { copyOf, type Schema } from '../core/lint/schema.ts';
import type { Path } from '../core/lint/search-path.ts';
import { follow } from '../core/plan/refused.ts';
import { ledgerOf, shapes, type Declared, type Ledger, type LedgerEntry } from '../core/plan/ledger.ts';
import type { MigrationFile } from '../migrations.ts';
import type { CountedLoss, TouchedTable } from './ports.ts';

/** What was found out about a file. */
export interface Found {
  readonly losses: readonly CountedLoss[];
  readonly tables: readonly TouchedTable[];
}

/** A schema, and where a name without one is looked for there. */
export interface Before {
  readonly schema: Schema;
  readonly path: Path;
}

const OLD_CODE: Readonly<Record<MigrationFile['rollbackClass'], string>> = {
  app: 'works on the new shape',
  reversible: 'does not work on the new shape; the down file brings the old one back',
  restore: 'does not work on the new shape; only the backup brings the old one back',
  'forward-fix': 'does not work on the new shape, and nothing brings the old one back',
};

/** The ledger of a file. @param before the database before it, which is changed as the file would; null where none was asked */
export function fileLedger(file: MigrationFile, { losses, tables }: Found, before: Before | null): Ledger {
  const declared: Declared = file.up.ledger;
  const shape = before === null ? null : applied(before, file);
  const asked = before !== null;
  const queries = losses.filter(({ kind, query }) => kind === 'refused' && query !== null).map(({ query }) => `${query ?? ''} -- 0`);
  return ledgerOf(declared, {
    ...(shape === null ? {} : { 'old-shape': known(shape.old), 'new-shape': known(shape.new) }),
    ...(asked ? { rows: known(rowsText({ losses, tables })), dependants: known(dependantsText(tables)) } : {}),
    'old-code': { value: OLD_CODE[file.rollbackClass], from: 'file' },
    rollback: { value: `${file.rollbackClass}: ${file.because}`, from: 'file' },
    ...(queries.length === 0 ? {} : { validation: { value: queries.join('\n'), from: 'file' } }),
  });
}

const known = (value: string): LedgerEntry => ({ value, from: 'database' });

function applied({ schema, path }: Before, { up }: MigrationFile): ReturnType<typeof shapes> {
  const before = copyOf(schema);
  for (const statement of up.statements) follow(schema, statement, path);
  return shapes(before, schema);
}

function rowsText({ losses, tables }: Found): string {
  const counted = losses.map(({ rows, what, because }) => `${rows ?? `an unknown number (${because ?? ''}) of`} ${what}`);
  const sizes = tables.map(({ name, rows }) => (rows === null ? `${name}: rows not known` : `${name}: about ${Math.round(rows)} rows`));
  return [...counted, ...sizes].join('; ') || 'no row that is there';
}

function dependantsText(tables: readonly TouchedTable[]): string {
  const found = [...new Set(tables.flatMap(({ dependants }) => dependants ?? []))];
  const lost = tables.filter(({ dependants }) => dependants === null).map(({ name }) => name);
  const told = found.length > 0 ? [found.join(', ')] : lost.length < tables.length || tables.length === 0 ? [NO_DEPENDANTS] : [];
  return [...told, ...(lost.length === 0 ? [] : [`not known for ${lost.join(', ')}, which the database does not have`])].join('; ');
}

const NO_DEPENDANTS = 'no view and no function of the database';
