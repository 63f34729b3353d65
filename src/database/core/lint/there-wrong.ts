import type { Dependants, Made } from './dependant.ts';

/** What the server refuses, for it is there already, or is not, or because a value cannot be what it is to be. */
export interface Wrong {
  readonly rule: 'already-there' | 'not-there' | 'refused-value';
  /** `column a of t` */
  readonly what: string;
  readonly relation?: string;
}

const wrong =
  (rule: Wrong['rule']) =>
  (what: string, relation?: string): Wrong => ({ rule, what, ...(relation === undefined ? {} : { relation }) });

export const already = wrong('already-there');
export const not = wrong('not-there');
export const refused = wrong('refused-value');

/** Is there nothing of this name for certain: was it dropped, or is it not among all that the database has? */
export function isMissing({ there, gone, besides, temporary }: Dependants, key: string): boolean {
  return gone.has(key) || (besides !== null && !there.has(key) && !besides.has(key) && !temporary.has(key));
}

/** Everybody has them. */
const SYSTEM = /^(?:pg_|information_schema\.)/;

/** What the server gives a name to itself, and the names that it gives. */
const GIVEN = { index: /_(?:idx|key|pkey|excl)\d*$/, sequence: /_seq\d*$/ } as const;

/** What a statement takes beside tables and views. */
export type Other = keyof typeof GIVEN;

/** The same of a relation. @param others what else it may be, of which some have a name that nobody wrote */
export function isRelationMissing(known: Dependants, name: string, others: readonly Other[] = []): boolean {
  if (name === '' || SYSTEM.test(name)) return false;
  return known.gone.has(name) || (!others.some((one) => GIVEN[one].test(name)) && isMissing(known, name));
}

/** Of columns that every table has, none is missing. */
const OF_EVERY_TABLE = new Set(['', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid', 'oid']);

export function missingColumns({ there }: Dependants, table: string, columns: readonly string[]): readonly Wrong[] {
  const made = there.get(table);
  if (made?.whole !== true) return [];
  return columns.filter((one) => !OF_EVERY_TABLE.has(one) && !made.members.has(one)).map((one) => not(`column ${one} of ${table}`, table));
}

/** Is there no constraint of this name for certain? One that nobody named may have it. */
export function lacksConstraint(made: Made | undefined, name: string): boolean {
  if (made === undefined || made.given === null || made.constraints.has(name) || made.parts.has(`trigger ${name}`)) return false;
  return !made.given.some((one) => name.startsWith(one.slice(0, KEPT)));
}

/** PostgreSQL shortens long names of tables to make room for the rest; so much of them stays. */
const KEPT = 20;

/** Has it no such trigger, policy or rule for certain? */
export function lacksPart(made: Made | undefined, part: string): boolean {
  return made?.partsWhole === true && !made.parts.has(part);
}
