/** Schemas (`n`) that are the user's. */
export const OURS = `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'`;

/** Name of a relation (`c`) as migrations would write it, with its schema. */
export const NAMED = `format('%s.%s', n.nspname, c.relname)`;

/** Whether an extension brought it along. */
export const brought = (catalog: string, oid: string): string =>
  `EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e')`;
