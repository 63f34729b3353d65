import { child, children, findAll, textOf, type Tagged } from '../tree.ts';
import { relationKey } from './schema.ts';
import type { Context, Draft } from './types.ts';

/** What the parser, which is of the newest version, takes and an older server refuses. What has a measured form is not in it. */
export function checkVersion({ statement, schema, options }: Context): readonly Draft[] {
  const { kind, node } = statement;
  const parts: readonly Tagged[] = [{ tag: kind, node }, ...findAll(node, TAGS)];
  return SYNTAX.filter(({ since, is }) => options.version < since && parts.some(is))
    .map(({ since, what }) => refusal(what, since, options.version))
    .concat(keysOfPartitioned({ statement, schema, options }));
}

function refusal(what: string, since: number, version: number): Draft {
  return { rule: 'not-in-version', message: `PostgreSQL ${version} does not know ${what}: no version before ${since} does` };
}

interface Syntax {
  readonly what: string;
  readonly since: number;
  readonly is: (part: Tagged) => boolean;
}

const TAGS = ['Constraint', 'ColumnDef', 'RangeSubselect', 'JsonTable'];
const ENFORCED: ReadonlySet<string> = new Set(['CONSTR_CHECK', 'CONSTR_FOREIGN']);

const SYNTAX: readonly Syntax[] = [
  { what: 'OR REPLACE of a trigger', since: 14, is: ({ tag, node }) => tag === 'CreateTrigStmt' && node['replace'] === true },
  { what: 'a body that is no text', since: 14, is: ({ tag, node }) => tag === 'CreateFunctionStmt' && node['sql_body'] !== undefined },
  { what: 'COMPRESSION of a column', since: 14, is: ({ tag, node }) => tag === 'ColumnDef' && textOf(node, 'compression') !== '' },
  { what: 'NULLS NOT DISTINCT', since: 15, is: ({ node }) => node['nulls_not_distinct'] === true },
  { what: 'security_invoker of a view', since: 15, is: ({ tag, node }) => tag === 'ViewStmt' && asksInvoker(node) },
  { what: 'the columns that SET NULL or SET DEFAULT is for', since: 15, is: ({ node }) => node['fk_del_set_cols'] !== undefined },
  { what: 'a subquery in FROM without a name', since: 16, is: ({ tag, node }) => tag === 'RangeSubselect' && node['alias'] === undefined },
  { what: 'STORAGE of a new column', since: 16, is: ({ tag, node }) => tag === 'ColumnDef' && textOf(node, 'storage_name') !== '' },
  { what: 'JSON_TABLE', since: 17, is: ({ tag }) => tag === 'JsonTable' },
  { what: 'NOT ENFORCED', since: 18, is: ({ node }) => isNotEnforced(node) },
  { what: 'WITHOUT OVERLAPS', since: 18, is: ({ node }) => node['without_overlaps'] === true },
  { what: 'PERIOD', since: 18, is: ({ node }) => node['fk_with_period'] === true },
];

function asksInvoker(view: Tagged['node']): boolean {
  return children(view, 'options').some((one) => textOf(child(one, 'DefElem'), 'defname') === 'security_invoker');
}

function isNotEnforced(constraint: Tagged['node']): boolean {
  const kind = textOf(constraint, 'contype');
  return kind === 'CONSTR_ATTR_NOT_ENFORCED' || (ENFORCED.has(kind) && constraint['is_enforced'] !== true);
}

/** From this version on a foreign key of a partitioned table may be NOT VALID. */
const KEYS_OF_PARTITIONED = 18;

function keysOfPartitioned({ statement: { kind, node }, schema, options }: Pick<Context, 'statement' | 'schema' | 'options'>) {
  const partitioned = kind === 'AlterTableStmt' && (schema.tables.get(relationKey(child(node, 'relation')))?.partitioned ?? null) !== null;
  if (options.version >= KEYS_OF_PARTITIONED || !partitioned) return [];
  return findAll(node, ['Constraint'])
    .filter((one) => textOf(one.node, 'contype') === 'CONSTR_FOREIGN' && one.node['skip_validation'] === true)
    .map(() => refusal('NOT VALID for a foreign key of a partitioned table', KEYS_OF_PARTITIONED, options.version));
}
