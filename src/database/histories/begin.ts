import type pg from 'pg';
import { SlipwayError } from '../../kernel/index.ts';
import type { ToolHistory } from './ports.ts';

/** A database that holds tables, and no history of the folder. */
export interface Filled {
  /** One of its tables; where the history is to be Slipway's own, one that looks like another history. */
  readonly table: string;
  readonly tool: ToolHistory | null;
}

/** What tools call their tables, and the columns of which such tables are made. */
const NAMED = 'migrat|changelog|schema_?(version|history)';
const COLUMNS =
  `version version_id version_rank dirty applied applied_at is_applied tstamp id name checksum hash created_at inserted_at run_on
  migration_name migration_time description success script type installed_on installed_by installed_rank execution_time batch filename timestamp`
    .trim()
    .split(/\s+/);
const TELLING = ['version', 'version_id', 'dirty', 'installed_rank', 'migration_name', 'batch'];

/**
 * A history that is to begin here, in a database that holds tables already: a tool's own may stand under another name or off the search
 * path, and then all it applied would be applied once more. Plain files may as well be the first that Slipway gets of a database that
 * others made: there only a table that looks like a history is in the way.
 * @param written `database.history` says whose it is; some tools do not begin even then
 */
export async function filledWithout(client: pg.Client, tool: ToolHistory | null, written: boolean): Promise<Filled | null> {
  if (written && tool?.capabilities.beginsEmpty !== true) return null;
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'slipway_history') AND n.nspname !~ '^pg_'
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
       AND (NOT $1 OR c.relname ~* $2 OR EXISTS (
         SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         HAVING bool_and(a.attname = ANY ($3)) AND bool_or(a.attname = ANY ($4))))
     ORDER BY 1 LIMIT 1`,
    [tool === null, NAMED, COLUMNS, TELLING],
  );
  const [row] = rows;
  return row === undefined ? null : { table: row.name, tool };
}

/** What happened, and what to do. */
export function filledError({ table, tool }: Filled): SlipwayError {
  const message =
    tool === null
      ? `${table} looks like the history of another tool, and there is none of Slipway's: all of the files would be applied`
      : `The database holds tables already (${table}), and no ${tool.table}, where ${tool.title} writes down what is applied: all of the files would be applied`;
  return new SlipwayError('not_possible_now', message, { hint: hintFor(tool) });
}

function hintFor(tool: ToolHistory | null): string {
  if (tool?.capabilities.beginsEmpty === true)
    return `Let ${tool.title} take it over first (its word for that is baseline), or correct database.url.`;
  return `If none of them is applied, say so: database.history: ${tool?.name ?? 'slipway'}. If a tool has applied them, its table has to have its usual name, on the search path of database.url.`;
}
