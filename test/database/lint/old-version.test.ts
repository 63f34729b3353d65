import { expect, test } from 'vitest';
import { FORMS } from '../../../scripts/lock-table/forms.ts';
import { statementEffect } from '../../../src/database/core/statement-effect.ts';
import { parseSql } from '../../../src/database/parser.ts';
import { lint } from './support.ts';

const TABLES = `CREATE TABLE referenced (id bigint PRIMARY KEY, v int);
  CREATE TABLE target (id bigint PRIMARY KEY, a int NOT NULL, b int, t text, ref bigint, span int4range); CREATE INDEX an_index ON target (b)`;

const OTHERS: Readonly<Record<string, string>> = {
  'revoke a right': 'REVOKE SELECT ON target FROM bob',
  'replace a function': 'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
  'drop a function': 'DROP FUNCTION f()',
  'drop an extension': 'DROP EXTENSION citext',
  'restart a sequence': 'ALTER SEQUENCE s RESTART',
  'a unique index': 'CREATE UNIQUE INDEX CONCURRENTLY u ON target (a)',
  'no replica identity': 'ALTER TABLE target REPLICA IDENTITY NOTHING',
  'rename a value': `ALTER TYPE m RENAME VALUE 'a' TO 'b'`,
  'add a value': `ALTER TYPE m ADD VALUE 'x'`,
  'rename a view': 'ALTER VIEW v RENAME TO w',
  'rename a type': 'ALTER TYPE m RENAME TO n',
  'empty a view': 'REFRESH MATERIALIZED VIEW m WITH NO DATA',
  'a write in WITH': 'WITH x AS (DELETE FROM target RETURNING *) SELECT * FROM x',
};

/** What `db plan` takes for more than nothing, and lint rightly says nothing of: names and plans, and what is only added. */
const ONLY_PLAN = new Set([
  ...['add column generated stored', 'add column generated virtual', 'add column references default', 'insert'],
  ...['change type free', 'change type scan', 'change type rewrite', 'change type free referencing', 'change type free referenced'],
  ...['change type rewrite referencing', 'change type rewrite referenced', 'change type enum', 'change type enum to text'],
  ...[
    'change collation',
    'change collation indexed',
    'add foreign key from new table',
    'rename constraint',
    'rename trigger',
    'rename index',
  ],
  ...['domain validate', 'domain drop constraint', 'create table inherits', 'inherit', 'no inherit', 'set logged', 'cluster'],
  ...['attach partition', 'attach partition checked', 'attach partition with default', 'detach partition', 'detach partition concurrently'],
  ...['attach partition referencing', 'attach partition with own key', 'detach partition referenced'],
  ...['publish table', 'drop index', 'drop index concurrently', 'alter sequence'],
]);

const ALL = [
  ...Object.entries(FORMS).map(([name, { sql, before = '' }]) => ({ name, sql, before })),
  ...Object.entries(OTHERS).map(([name, sql]) => ({ name, sql, before: '' })),
];

test.each(ALL)('lint and plan agree on whether the old version notices: $name', async ({ name, sql, before }) => {
  const findings = await lint([TABLES, before, ...Array.from({ length: 11 }, () => ''), sql]);
  const noticed = findings.filter(({ category }) => category === 'old version' || category === 'rows').map(({ rule }) => rule);
  const parsed = await parseSql(sql);
  const effects = parsed.ok ? parsed.statements.map((one) => statementEffect(one, new Set()).kind) : ['none'];
  const harmless = effects.every((kind) => kind === 'additive');
  const silent = noticed.length === 0;
  expect({ noticed, harmless }).toEqual({ noticed, harmless: ONLY_PLAN.has(name) && silent ? harmless : silent });
});
