import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import { holdsApplied } from '../history.ts';
import { openFolder } from '../lint/folder.ts';
import { FORMATS } from '../lint/formats.ts';
import type { Folder, FormatName } from '../lint/ports.ts';
import { refusePrograms } from './programs.ts';
import type { WantedHistory } from '../core/history-name.ts';
import type { FolderRequest, ToolHistory } from './ports.ts';
import { TOOLS } from './tools.ts';

/** Formats that nothing but the database tells from Slipway's own. */
const PLAIN: ReadonlySet<string> = new Set(['slipway', 'sqlx', 'golang-migrate', 'sql']);
const SHAPED = TOOLS.map(({ name }) => name).filter((name) => !PLAIN.has(name));

/**
 * Whose table says what is applied: the one slipway.yaml names, or the one the folder and the database speak of.
 * @param client null: only the folder is asked
 * @returns null for Slipway's own
 * @throws SlipwayError `config_invalid` naming the choices when it is not clear, or when only the tool itself can run its migrations
 */
export async function chooseHistory(folder: Folder, wanted: WantedHistory, client: pg.Client | null): Promise<ToolHistory | null> {
  if (wanted !== 'auto') return TOOLS.find(({ name }) => name === wanted) ?? null;
  await refusePrograms(folder, client);
  const shaped = await shapeOf(folder);
  const own = client !== null && (await holdsApplied(client));
  const there = client === null ? [] : await tablesOf(client);
  return shaped === null ? forPlainFiles(folder, there, own) : forShaped(shaped, there, own);
}

function forShaped(shaped: ToolHistory, there: readonly ToolHistory[], own: boolean): ToolHistory | null {
  const known = there.some(({ name }) => name === shaped.name);
  if (own && known) throw unclear(`the folder is one of ${shaped.title}`, ['slipway', shaped.name], there);
  // Somebody has applied these files with Slipway, and the tool never did.
  return own ? null : shaped;
}

function forPlainFiles({ files }: Folder, there: readonly ToolHistory[], own: boolean): ToolHistory | null {
  const fitting = there.filter(({ name, fits }) => fits?.(files) ?? PLAIN.has(name));
  // What Slipway has begun it goes on with, unless a table may speak of the same files.
  const ofConcern = own ? fitting : there;
  if (ofConcern.length === 0) return null;
  const [only] = fitting;
  if (!own && there.length === 1 && only !== undefined) return only;
  throw unclear('the folder holds plain SQL files', ['slipway', ...ofConcern.map(({ name }) => name)], ofConcern);
}

/** The format of the folder of slipway.yaml, as its tool or Slipway applies it; null when neither can. */
export async function declaredFormat({ directory, history = 'auto' }: FolderRequest): Promise<FormatName | null> {
  if (history !== 'auto') return history;
  const folder = await openFolder(directory);
  const shaped = await shapeOf(folder);
  if (shaped !== null) return shaped.name;
  return folder.files.some((name) => name.endsWith('.sql')) ? 'slipway' : null;
}

/** The tool whose folder this certainly is; null for plain SQL files. */
async function shapeOf(folder: Folder): Promise<ToolHistory | null> {
  const shapes: FormatName[] = [];
  for (const format of FORMATS) if (SHAPED.some((name) => name === format.name) && (await format.detect(folder))) shapes.push(format.name);
  const [first, second] = shapes;
  if (second !== undefined)
    throw new SlipwayError('config_invalid', `The folder of migrations looks like one of ${shapes.join(' and of ')}`, {
      hint: `Set database.history to one of: ${shapes.join(', ')}.`,
    });
  return TOOLS.find(({ name }) => name === first) ?? null;
}

/** Tools whose table the database has. */
async function tablesOf(client: pg.Client): Promise<readonly ToolHistory[]> {
  const found: ToolHistory[] = [];
  for (const tool of TOOLS) if ((await lookForTable(client, tool))?.right === true) found.push(tool);
  return found;
}

/**
 * The tool's table, quoted and with its schema; null when there is none.
 * @throws SlipwayError `config_invalid` when there is one of another tool under its name
 */
export async function findTable(client: pg.Client, tool: ToolHistory): Promise<string | null> {
  const found = await lookForTable(client, tool);
  if (found === null || found.right) return found?.name ?? null;
  throw new SlipwayError('config_invalid', `The table ${found.name} is not one of ${tool.title}: its columns are others`, {
    hint: 'Set database.history to the tool whose table it is, or correct database.url.',
  });
}

/** The table under the tool's name, whosoever it is. */
export async function lookForTable(
  client: pg.Client,
  { table, columns }: ToolHistory,
): Promise<{ readonly name: string; readonly schema: string; readonly right: boolean } | null> {
  const { rows } = await client.query<{ name: string; schema: string; columns: readonly string[] }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname AS schema, array_agg(a.attname::text) AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.oid = to_regclass($1) GROUP BY 1, 2`,
    [table],
  );
  const [row] = rows;
  if (row === undefined) return null;
  const right = columns.has.every((one) => row.columns.includes(one)) && !columns.hasNot.some((one) => row.columns.includes(one));
  return { name: row.name, schema: row.schema, right };
}

function unclear(folder: string, choices: readonly string[], there: readonly ToolHistory[]): SlipwayError {
  const tables = there.map(({ title, table }) => `${table} (${title})`).join(', ');
  return new SlipwayError('config_invalid', `It is not clear where it says what is applied: ${folder}, and the database has ${tables}`, {
    hint: `Set database.history to one of: ${[...new Set(choices)].join(', ')}. "slipway" is right when the other tables are of no concern to this folder.`,
  });
}
