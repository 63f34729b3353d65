import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { withClient } from '../access.ts';
import { placeholders } from '../core/surfaces/sqlc.ts';
import type { SurfaceDifference } from '../core/surfaces/types.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import { parseSql } from '../parser.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { SurfaceAnswer } from './ports.ts';

/** Prepares each query of a sqlc project on the schema: code generated from one that cannot be prepared does not work. */
export async function askSqlc(
  schema: DatabaseAccess,
  config: string,
  text: string,
): Promise<Pick<SurfaceAnswer, 'verdict' | 'reason' | 'differences'>> {
  const files = await queryFiles(dirname(config), parse(text) as JsonValue);
  const differences: SurfaceDifference[] = [];
  const unclear: string[] = [];
  let asked = 0;
  await withClient(schema, 'preparing queries of sqlc', async (client) => {
    for (const { path, shown } of files) {
      const sql = placeholders(await readFile(path, 'utf8'));
      const parsed = await parseSql(sql);
      if (!parsed.ok) unclear.push(`${shown}:${parsed.line}: ${parsed.message}`);
      for (const { text: query, line } of parsed.ok ? parsed.statements : []) {
        asked += 1;
        const refused = await tryPrepare(client, query);
        if (refused !== null) differences.push({ line, what: `${shown}:${line}: ${refused}`, weight: 'wrong' });
      }
    }
  });
  const [first] = differences;
  if (first !== undefined)
    return {
      verdict: 'fail',
      reason: `${differences.length} of ${asked} queries cannot be prepared; the first: ${first.what}`,
      differences,
    };
  if (unclear[0] !== undefined) return { verdict: 'unknown', reason: unclear[0], differences };
  return {
    verdict: asked === 0 ? 'unknown' : 'pass',
    reason: asked === 0 ? 'it names no query for PostgreSQL' : `${asked} queries can be prepared`,
    differences,
  };
}

async function tryPrepare(client: pg.Client, query: string): Promise<string | null> {
  try {
    await client.query(`PREPARE slipway_sqlc AS ${query}`);
    await client.query('DEALLOCATE slipway_sqlc');
    return null;
  } catch (error) {
    const refused = serverError(error);
    if (refused === null || isConnectionLost(error)) throw error;
    return refused.message;
  }
}

/** Version 1 names them under `packages`, version 2 under `sql`; each may be a file, a folder or a list. */
async function queryFiles(folder: string, config: JsonValue): Promise<readonly { readonly path: string; readonly shown: string }[]> {
  if (!isJsonObject(config)) return [];
  const parts = [config['sql'], config['packages']]
    .flatMap((one) => (Array.isArray(one) ? (one as readonly JsonValue[]) : []))
    .filter(isJsonObject);
  const named = parts.filter(({ engine }) => engine === undefined || engine === 'postgresql').flatMap(queriesOf);
  const files: { path: string; shown: string }[] = [];
  for (const one of named) {
    const path = join(folder, one);
    const isFolder = (await stat(path)).isDirectory();
    const names = isFolder ? (await readdir(path)).filter((name) => name.endsWith('.sql')).toSorted() : [''];
    for (const name of names) files.push({ path: join(path, name), shown: name === '' ? one : `${one}/${name}` });
  }
  return files;
}

function queriesOf({ queries }: JsonObject): readonly string[] {
  const list = Array.isArray(queries) ? (queries as readonly JsonValue[]) : [queries];
  return list.filter((one) => typeof one === 'string');
}
