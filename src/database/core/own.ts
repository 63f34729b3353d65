/** Inside statements that Slipway sends to learn something: `pg_stat_statements` keeps it, so they are not taken for a program's. */
const OWN = '/* slipway */';

/** Marks a query as Slipway's own, behind its first word: what stands in front of a statement is not kept. */
export function asOwn(sql: string): string {
  return sql.replace(/\b(select|with|values|table|insert|update|delete|merge)\b/i, `$1 ${OWN}`);
}

/** Was it marked by {@link asOwn}? */
export function isOwn(sql: string): boolean {
  return sql.includes(OWN);
}
