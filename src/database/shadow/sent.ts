import { withClient } from '../access.ts';
import { foreignTo } from '../core/prove/captured.ts';
import type { ParameterValue } from '../core/prove/values.ts';
import { libpgQuery } from '../libpg-query.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';
import { isPreparable, type Captured } from './capture.ts';
import { asQuery, type DeclaredQuery } from './queries.ts';
import type { SentStatement } from './wire.ts';

/** So many different lists of values of one statement are kept: a test that does the same a thousand times proves it once. */
const LISTS = 3;

/**
 * What a program sent as a query set: each statement once, however its constants differ, with some of the values it came with.
 * @param schema a database with the schema the program was written for: what does not fit it (tables that tests make for themselves) is left out
 */
export async function querySetOf(
  schema: DatabaseAccess,
  sent: readonly SentStatement[],
  file: string,
): Promise<Pick<Captured, 'queries' | 'leftOut'>> {
  const kept = new Map<string, DeclaredQuery | string>();
  const byText = new Map<string, readonly string[]>();
  return withClient(schema, 'sorting what was recorded', async (client) => {
    await client.query('BEGIN READ ONLY');
    for (const { text, values } of sent) {
      const keys = byText.get(text) ?? (await addAll(kept, text, (one) => isPreparable(client, one)));
      byText.set(text, keys);
      for (const key of keys) {
        const one = kept.get(key);
        if (typeof one === 'object' && one.text === text.trim() && values !== null) kept.set(key, withValues(one, values));
      }
    }
    await client.query('ROLLBACK');
    const queries = [...kept.values()].filter((one) => typeof one === 'object');
    return { queries: queries.map((query, index) => ({ ...query, name: `${file}:${index + 1}` })), leftOut: counted([...kept.values()]) };
  });
}

/** The keys of a text's statements, new ones added. */
async function addAll(
  kept: Map<string, DeclaredQuery | string>,
  text: string,
  fits: (text: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const parsed = await parseSql(text);
  if (!parsed.ok) {
    kept.set(text, 'cannot be read');
    return [];
  }
  const { fingerprint } = await libpgQuery();
  const keys: string[] = [];
  for (const statement of parsed.statements) {
    const key = await fingerprint(statement.text);
    keys.push(key);
    if (kept.has(key)) continue;
    const query = asQuery(statement, key, []);
    const why = typeof query === 'string' ? 'no SELECT, INSERT, UPDATE, DELETE or MERGE' : foreignTo(statement);
    const misfit = why ?? ((await fits(statement.text)) ? null : 'does not fit the schema of the migrations');
    kept.set(key, misfit ?? query);
  }
  return keys;
}

function withValues(query: DeclaredQuery, values: readonly ParameterValue[]): DeclaredQuery {
  if (values.length === 0 || query.values.length >= LISTS) return query;
  const text = JSON.stringify(values);
  return query.values.some((one) => JSON.stringify(one) === text) ? query : { ...query, values: [...query.values, values] };
}

function counted(all: readonly (DeclaredQuery | string)[]): Captured['leftOut'] {
  const reasons = all.filter((one) => typeof one === 'string');
  return [...new Set(reasons)].map((why) => ({ why, statements: reasons.filter((one) => one === why).length }));
}
