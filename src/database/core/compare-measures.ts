/** Rows per table and a digest of the schema. */
export interface Measured {
  readonly rows: Readonly<Record<string, number>>;
  readonly schemaDigest: string;
}

const SHOWN = 5;

/** How a restored database differs from what the backup should hold; empty when it does not. The first five are named. */
export function compareMeasures(expected: Measured, found: Measured): readonly string[] {
  const tables = [...new Set([...Object.keys(expected.rows), ...Object.keys(found.rows)])].toSorted();
  const differences = tables
    .filter((table) => expected.rows[table] !== found.rows[table])
    .map((table) => `${table} should have ${count(expected.rows[table])} and has ${count(found.rows[table])}`);
  const shown =
    differences.length > SHOWN ? [...differences.slice(0, SHOWN), `and ${differences.length - SHOWN} tables more`] : differences;
  return expected.schemaDigest === found.schemaDigest
    ? shown
    : [...shown, 'the schema differs (columns, constraints, indexes, views, sequences, triggers, policies, routines, enums or extensions)'];
}

function count(rows: number | undefined): string {
  return rows === undefined ? 'no table' : `${rows} rows`;
}
