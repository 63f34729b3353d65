import { relationName } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { Ending, Inner } from './bodies.ts';
import { noDependants, type Dependants } from './dependant.ts';
import type { ColumnUse } from './measured-facts.ts';
import type { ColumnType } from './type-change.ts';

/** What earlier statements tell of the database. A thing that is not in it may exist all the same. */
export interface Schema {
  readonly tables: Map<string, Table>;
  readonly indexes: Map<string, Index>;
  readonly domains: Map<string, Domain>;
  readonly enums: Map<string, Enum>;
  readonly views: Map<string, View>;
  readonly functions: Map<string, Callable>;
  /** Sequences and composite types, with the file that made them. */
  readonly others: Map<string, number>;
  /** Schemas that were made. */
  readonly schemas: Set<string>;
  /** What is certain to need something else: kept apart, for of all the rest more may be there, or less. */
  readonly dependants: Dependants;
}

export interface Callable {
  readonly file: number | null;
  /** Does it answer the same for every row of a statement? Null when nobody knows. */
  readonly stable: boolean | null;
  /** What it runs, as far as these files say it. */
  readonly body: readonly Inner[];
  readonly ends: readonly Ending[];
  /** CALL runs it, and it may end the transaction where that is not {@link bound}: with SET or SECURITY DEFINER. */
  readonly procedure: boolean;
  readonly bound: boolean;
  /** The server reads its body when it is made. */
  readonly readAtOnce: boolean;
  /** Does it run SQL that it puts together? */
  readonly hidden: boolean;
}

export interface Enum {
  readonly file: number | null;
  /** The transaction that made it. */
  readonly transaction: number | null;
  /** Values that it is known to have had from the beginning. */
  readonly values: ReadonlySet<string>;
  /** Values that were added later, each with the transaction that did. */
  readonly added: Map<string, number>;
}

export interface Domain {
  readonly file: number | null;
  /** Has it a CHECK or NOT NULL of its own? */
  readonly checked: boolean;
  /** The type it is made of, which may be a domain too; null where it is not known. */
  readonly type: ColumnType | null;
}

/** A view and what it reads. */
export interface View {
  readonly file: number | null;
  readonly reads: readonly string[];
  /** `table.column` of each column it reads, from the catalog; null when only its text is known. */
  readonly columns: ReadonlySet<string> | null;
  /** Every column name in its text; null where it reads a table whole (`*`). */
  readonly mentions: readonly string[] | null;
}

export interface Table {
  readonly name: string;
  /** The file that made it; null for one that was there before. */
  readonly file: number | null;
  readonly transaction: number | null;
  readonly columns: Map<string, Column>;
  readonly constraints: Map<string, Constraint>;
  /** True when these files made it, so that a column not in it does not exist. */
  readonly whole: boolean;
  readonly partitioned: Partitioned | null;
  readonly temporary: boolean;
  /** The tables it inherits from, partitions apart. */
  readonly parents: readonly string[];
  /** The transaction that took all rows out of it, as long as it put none in; null for any other table. */
  readonly emptied: number | null;
  /** The files that wrote rows into it which they themselves spell out; left out where none did. */
  readonly spelt?: ReadonlySet<number>;
}

/** How a table is cut into partitions, as far as it is known. */
export interface Partitioned {
  /** Its key; empty where it is an expression or not known. */
  readonly columns: readonly string[];
  /** The names of its partitions. */
  readonly parts: ReadonlySet<string>;
  /** That for the rows of no other. */
  readonly rest: string | null;
}

export interface Column {
  readonly name: string;
  readonly type: ColumnType | null;
  readonly notNull: boolean;
  readonly file: number | null;
  /** Nothing fills it for certain where a row leaves it out, unless its type does. */
  readonly unfilled?: boolean;
  /** Computed when it is read: there is nothing of it in the table. */
  readonly virtual?: true;
}

export interface Constraint {
  readonly name: string;
  readonly kind: 'check' | 'foreign' | 'unique' | 'primary' | 'exclude' | 'not-null';
  readonly columns: readonly string[];
  readonly valid: boolean;
  /** For a foreign key: the other table. */
  readonly referenced: string | null;
  /** For a foreign key: the columns of the other table; empty for its primary key. */
  readonly keys: readonly string[];
  /** For `CHECK (c IS NOT NULL)`: `c`. */
  readonly present: readonly string[];
  /** For a CHECK that joins comparisons by AND: each, as `comparison` writes it. */
  readonly compares: readonly string[];
  readonly file: number | null;
  readonly transaction: number | null;
  /** It was there before these files: what it says is not known. */
  readonly unseen?: true;
}

export interface Index {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Every column its expressions and its predicate mention. */
  readonly mentions: readonly string[];
  readonly unique: boolean;
  readonly partial: boolean;
  readonly concurrent: boolean;
  readonly file: number | null;
}

export function emptySchema(): Schema {
  return {
    tables: new Map(),
    indexes: new Map(),
    domains: new Map(),
    enums: new Map(),
    views: new Map(),
    functions: new Map(),
    others: new Map(),
    schemas: new Set(),
    dependants: noDependants(),
  };
}

/** A copy that can be changed without the original. */
export function copyOf(schema: Schema): Schema {
  const tables = [...schema.tables].map(
    ([name, one]) => [name, { ...one, columns: new Map(one.columns), constraints: new Map(one.constraints) }] as const,
  );
  const enums = [...schema.enums].map(([name, one]) => [name, { ...one, added: new Map(one.added) }] as const);
  return {
    tables: new Map(tables),
    enums: new Map(enums),
    indexes: new Map(schema.indexes),
    domains: new Map(schema.domains),
    views: new Map(schema.views),
    functions: new Map(schema.functions),
    others: new Map(schema.others),
    schemas: new Set(schema.schemas),
    dependants: certainOf(schema.dependants),
  };
}

function certainOf(dependants: Dependants): Dependants {
  const { columns, there, gone, besides, temporary } = dependants;
  return {
    ...dependants,
    columns: new Map(columns),
    there: new Map(there),
    gone: new Set(gone),
    besides: besides === null ? null : new Set(besides),
    temporary: new Set(temporary),
  };
}

/** One name for one relation, whether or not `public` was written. */
export function plainName(name: string): string {
  return name.replace(/^public\./, '');
}

/** Another name in the schema of one. */
export function beside(name: string, other: string): string {
  return name.includes('.') ? `${name.slice(0, name.lastIndexOf('.'))}.${other}` : other;
}

/** {@link plainName} of a RangeVar. */
export function relationKey(rangeVar: Statement['node']): string {
  return plainName(relationName(rangeVar));
}

/** Does a column have a CHECK, an index or an index expression that a type change or SET NOT NULL must reckon with? */
export function columnUse(schema: Schema, table: string, column: string): Omit<ColumnUse, 'utc'> {
  const known = schema.tables.get(table);
  const constraints = [...(known?.constraints.values() ?? [])].filter((one) => one.columns.includes(column));
  const indexes = [...schema.indexes.values()].filter((one) => one.table === table && one.mentions.includes(column));
  return {
    indexed: indexes.length > 0 || constraints.some(({ kind }) => kind === 'unique' || kind === 'primary' || kind === 'exclude'),
    computed: indexes.some((one) => !one.columns.includes(column) || one.mentions.filter((each) => each === column).length > 1),
    checked: constraints.some(({ kind, valid }) => kind === 'check' && valid),
  };
}

/**
 * Is there a valid CHECK that the column is not NULL, or is it known to be NOT NULL?
 * @param dropped constraints that are gone by the time it is asked
 */
// oxlint-disable-next-line max-params -- the fourth is for what drops constraints itself
export function knownPresent(schema: Schema, table: string, column: string, dropped: ReadonlySet<string> = new Set()): boolean {
  const known = schema.tables.get(table);
  if (known === undefined) return false;
  if (known.columns.get(column)?.notNull === true) return true;
  return [...known.constraints.values()].some(({ name, valid, present }) => valid && present.includes(column) && !dropped.has(name));
}

/** A valid constraint that nobody knows, and whose name speaks of the column: it may say that it is not NULL. */
export function perhapsPresent({ tables }: Schema, table: string, column: string): boolean {
  return [...(tables.get(table)?.constraints.values() ?? [])].some(({ unseen, name }) => unseen === true && name.includes(column));
}

/** The type a column really has: of a domain, what that is made of. */
export function ofDomain(type: ColumnType | null, { domains }: Schema): ColumnType | null {
  let found = type;
  for (let deep = 0; found !== null && !found.array && deep < MOST_DOMAINS; deep += 1) {
    const domain = domains.get(plainName(found.base));
    if (domain === undefined) return found;
    found = domain.type;
  }
  return found;
}

/** Has this domain, or one that it is made of, a constraint? False for what is no domain. */
export function isCheckedDomain(name: string, { domains }: Schema): boolean {
  let domain = domains.get(plainName(name));
  for (let deep = 0; domain !== undefined && deep < MOST_DOMAINS; deep += 1) {
    if (domain.checked) return true;
    domain = domains.get(plainName(domain.type?.base ?? ''));
  }
  return false;
}

/** Domains of domains; what goes on for longer goes in a circle. */
const MOST_DOMAINS = 8;

/** The name PostgreSQL gives to a constraint that was not named. */
export function givenName(table: string, columns: readonly string[], suffix: string): string {
  const bare = table.split('.').at(-1) ?? table;
  return suffix === 'pkey' ? `${bare}_pkey` : [bare, ...columns, suffix].join('_');
}
