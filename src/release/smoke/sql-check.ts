import { messageOf, resolveTemplate, type Check, type JsonValue } from '../../kernel/index.ts';
import { queryRows, type DatabaseAccess } from '../../database/index.ts';
import { firstDifference } from '../core/contains.ts';
import type { SqlCheck } from '../core/definition.ts';

/** Runs a read-only query (`${version}` is the version being smoked); its first row must contain what is expected. Without a row it is `fail`, without a database `unknown`. */
export async function sqlCheck(check: SqlCheck, database: DatabaseAccess | null, version: string): Promise<Check> {
  if (database === null) return { name: check.name, verdict: 'unknown', reason: 'the service has no database' };
  try {
    const [row] = await queryRows(database, resolveTemplate(check.query, {}, { version }).value, check.timeoutMs);
    if (row === undefined) return { name: check.name, verdict: 'fail', reason: 'the query gave no row' };
    // Through JSON: dates and big numbers compare in the form slipway.yaml can write them.
    const difference = firstDifference(check.expect, JSON.parse(JSON.stringify(row)) as JsonValue);
    return difference === null
      ? { name: check.name, verdict: 'pass', reason: 'the first row is as expected' }
      : { name: check.name, verdict: 'fail', reason: difference };
  } catch (error) {
    return { name: check.name, verdict: 'fail', reason: messageOf(error) };
  }
}
