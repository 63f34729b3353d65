import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { checkSurfaces, openAccess, type SurfaceAnswer } from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { scratch } from './support.ts';
import { DRIZZLE, DUMP, GOOD, PRISMA, QUERIES, RAILS, SCHEMA, SQLC } from './surface-files.ts';

let server: TestPostgres;
let folder: ReturnType<typeof scratch>;
let made = 0;
beforeAll(async () => {
  server = await startPostgres();
  await server.create('schema');
  await server.query('schema', SCHEMA);
});
afterAll(() => server.stop());
beforeEach(() => {
  folder = scratch();
});
afterEach(() => folder[Symbol.dispose]());

async function check(
  files: Readonly<Record<string, string>>,
  named: readonly string[] | null = null,
  database = 'schema',
): Promise<readonly SurfaceAnswer[]> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  const schema = openAccess(server.url(database));
  const empty = async (): Promise<typeof schema> => openAccess(await server.create(`empty${(made += 1)}`));
  return checkSurfaces({ root: folder.path, named, schema, empty });
}

describe('files that follow the schema', () => {
  it('are found by what they are, and pass where they are in step; the newest snapshot counts', async () => {
    const answers = await check({
      ...GOOD,
      'queries/a.sql': QUERIES,
      'drizzle/meta/0000_snapshot.json': '{}',
      'node_modules/x/schema.prisma': 'nonsense',
      'src/other.ts': 'export const x = 1;',
      'src/people.graphql': 'query { people { id } }',
    });
    expect(
      answers.map(({ file, kind, verdict, reason }) => `${file} ${kind} ${verdict} ${verdict === 'pass' ? '' : reason}`.trim()),
    ).toEqual([
      'db/schema.rb rails pass',
      'db/structure.sql sql pass',
      'drizzle/meta/0001_snapshot.json drizzle-snapshot pass',
      'openapi.yaml openapi pass',
      'prisma/schema.prisma prisma pass',
      'schema.graphql graphql pass',
      'sqlc.yaml sqlc pass',
      'src/database.types.ts supabase pass',
      'src/db/schema.ts drizzle pass',
      'src/db/types.ts kysely pass',
    ]);
  });

  it.each([
    ['prisma/schema.prisma', '  age      Int?\n', '', 7, 'the column people.age is not in the file'],
    ['prisma/schema.prisma', 'age      Int?', 'age      String?', 12, 'people.age is integer, the file says text'],
    ['prisma/schema.prisma', 'age      Int?', 'age      Int', 12, 'people.age may be null, the file says it may not'],
    [
      'prisma/schema.prisma',
      '@db.VarChar(80)',
      '@db.VarChar(90)',
      9,
      'people.full_name is character varying(80), the file says varchar(90)',
    ],
    ['prisma/schema.prisma', '  bad\n', '', 31, 'the value bad of the enum mood is not in the file'],
    ['prisma/schema.prisma', '@@map("orders")', '@@map("order")', 22, 'the table order is not in the database'],
    ['src/db/schema.ts', "varchar('full_name'", "varchar('name'", 6, 'the column people.name is not in the database'],
    ['src/db/schema.ts', 'settings: jsonb()', 'settings: text()', 11, 'people.settings is jsonb, the file says text'],
    ['src/db/schema.ts', '  note: t.text(),', '  note: t.text().notNull(),', 18, 'orders.note may be null, the file says it may not'],
    ['src/db/types.ts', 'age: number | null;', 'age: string | null;', 7, 'people.age is integer, the file says text'],
    ['src/db/types.ts', ' orders: Orders;', '', 1, 'the table orders is not in the file'],
    ['src/database.types.ts', 'note: string | null', 'note: string', 5, 'orders.note may be null, the file says it may not'],
    ['src/database.types.ts', '"fine" | "bad"', '"fine" | "worse"', 13, 'the enum mood has no value worse in the database'],
    ['db/schema.rb', 't.integer "age"', 't.bigint "age"', 14, 'people.age is integer, the file says bigint'],
    ['db/structure.sql', 'age int,', '', 4, 'the column people.age is not in the file'],
    ['drizzle/meta/0001_snapshot.json', '"type": "uuid"', '"type": "text"', 61, 'orders.id is uuid, the file says text'],
    ['schema.graphql', 'age: Int', 'age: String', 12, 'people.age is integer, the file says text'],
    ['schema.graphql', 'age: Int', 'age: Int!', 12, 'people.age may be null, the file says it may not'],
    ['schema.graphql', 'age: Int', 'years: Int', 12, 'the column people.years is not in the database'],
    ['schema.graphql', 'id: ID!', 'id: Int!', 8, 'people.id is bigint, the file says int'],
    ['schema.graphql', '"born"', '"died"', 13, 'the column people.died is not in the database'],
    ['schema.graphql', 'FINE BAD', 'FINE WORSE', 10, 'the enum mood has no value WORSE in the database'],
    ['schema.graphql', '"people"', '"persons"', 7, 'the table persons is not in the database'],
    ['openapi.yaml', 'age: {', 'years: {', 10, 'the column people.years is not in the database'],
  ] as const)('%s: finds %j as %j', async (file, before, after, line, what) => {
    const text = GOOD[file] ?? '';
    expect(text).toContain(before);
    const [answer] = await check({ [file]: text.replace(before, after) });
    expect(answer?.verdict).toBe('fail');
    expect(answer?.differences.filter(({ weight }) => weight === 'wrong')).toContainEqual({ line, what, weight: 'wrong' });
  });

  it('reads a schema of Prisma that is split into files', async () => {
    const [people = '', orders = ''] = PRISMA.split(/(?=^model Order)/m);
    const answers = await check({ 'prisma/people.prisma': people, 'prisma/orders.prisma': orders });
    expect(answers.map(({ verdict, reason }) => [verdict, reason])).toEqual([
      ['pass', '1 tables and 1 enums as in the database'],
      ['pass', '1 tables as in the database'],
    ]);
  });

  it('reads enums in schemas of Prisma, and keys of several columns and names that are completed of Drizzle', async () => {
    await server.create('odd');
    await server.query(
      'odd',
      `CREATE SCHEMA base; CREATE TYPE base."Role" AS ENUM ('ADMIN', 'USER'); CREATE TABLE base.members (org int, person int, role base."Role" NOT NULL, PRIMARY KEY (org, person));
       CREATE TABLE shop_posts (id int PRIMARY KEY, title text)`,
    );
    const files = {
      'a/schema.prisma':
        'enum Role {\n  ADMIN\n  USER\n  @@schema("base")\n}\nmodel Member {\n  org Int\n  person Int\n  role Role\n  @@id([org, person])\n  @@map("members")\n  @@schema("base")\n}\n',
      'b/members.ts': `import { integer, pgSchema, primaryKey } from 'drizzle-orm/pg-core';
const base = pgSchema('base');
const role = base.enum('Role', ['ADMIN', 'USER']);
export const members = base.table('members', { org: integer(), person: integer(), role: role().notNull() }, (t) => [primaryKey({ columns: [t.org, t.person] })]);`,
      'b/posts.ts': `import { integer, pgTableCreator, text } from 'drizzle-orm/pg-core';
const table = pgTableCreator((name) => \`shop_\${name}\`);
export const posts = table('posts', { id: integer().primaryKey(), title: text() });`,
      'b/unseen.ts': `import { integer, pgTableCreator } from 'drizzle-orm/pg-core';
const table = pgTableCreator((name) => name.toUpperCase());
export const posts = table('posts', { id: integer().primaryKey() });`,
    };
    const answers = await check(files, null, 'odd');
    expect(answers.map(({ file, verdict, reason }) => [file, verdict, reason])).toEqual([
      ['a/schema.prisma', 'pass', '1 tables and 1 enums as in the database'],
      ['b/members.ts', 'pass', '1 tables and 1 enums as in the database'],
      ['b/posts.ts', 'pass', '1 tables as in the database'],
      ['b/unseen.ts', 'unknown', 'line 3: the name or the columns of a table are computed'],
    ]);
    const [nullable] = await check(
      { 'b/members.ts': files['b/members.ts'].replace('[t.org, t.person]', '[t.org]') },
      ['b/members.ts'],
      'odd',
    );
    expect(nullable?.reason).toBe('base.members.person may not be null, the file says it may');
  });

  it('compares the values that a document of OpenAPI lists with those of an enum', async () => {
    const document = (values: string): string =>
      (GOOD['openapi.yaml'] ?? '').replace('age: {', `mood: { type: string, enum: ${values} }\n        age: {`);
    const [same] = await check({ 'openapi.yaml': document('[bad, fine]') });
    expect(same?.verdict).toBe('pass');
    const [other] = await check({ 'openapi.yaml': document('[fine, worse]') });
    expect(other?.differences.filter(({ weight }) => weight === 'wrong')).toEqual([
      { line: 10, what: 'the enum mood has no value worse in the database', weight: 'wrong' },
      { line: 10, what: 'the value bad of the enum mood is not in the file', weight: 'wrong' },
    ]);
  });

  it('says of a query of sqlc that it cannot be prepared', async () => {
    const [answer] = await check({ 'sqlc.yaml': SQLC, 'queries/a.sql': QUERIES.replace('age >', 'height >') });
    expect(answer).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining('queries/a.sql:2: column "height" does not exist') as string,
    });
  });

  it('remarks on what a document of OpenAPI says is always there, of a column that may be null', async () => {
    const document = (age: string): string =>
      (GOOD['openapi.yaml'] ?? '')
        .replace('type: object\n', 'type: object\n      required: [fullName, age]\n')
        .replace("[integer, 'null']", age);
    const [strict] = await check({ 'openapi.yaml': document('integer') });
    const remark = { line: 11, what: 'people.age may be null, the file says it may not', weight: 'remark' };
    expect(strict).toMatchObject({ verdict: 'pass' });
    expect(strict?.differences).toContainEqual(remark);
    const [same] = await check({ 'openapi.yaml': document("[integer, 'null']") });
    expect(same?.differences).not.toContainEqual(remark);
  });

  it('only remarks on a type of GraphQL that has the name of a table', async () => {
    const [answer] = await check({ 'schema.graphql': GOOD['schema.graphql'] ?? '' });
    expect(answer?.differences).toContainEqual({ line: 18, what: 'the column orders.total is not in the database', weight: 'remark' });
  });

  it('only remarks on a schema of OpenAPI that has the name of a table', async () => {
    const [answer] = await check({ 'openapi.yaml': GOOD['openapi.yaml'] ?? '' });
    expect(answer?.differences).toContainEqual({ line: 14, what: 'the column orders.total is not in the database', weight: 'remark' });
  });

  it.each([
    ['columns that are computed', 'src/db/schema.ts', DRIZZLE.replace('...active', '...activeOf(1)'), 'a column is computed'],
    ['no TypeScript', 'src/db/schema.ts', `${DRIZZLE}\nconst = ;`, 'it is no TypeScript'],
    ['a dump the server refuses', 'db/structure.sql', `${DUMP}\nCREATE TABLE x (a nothing_known);`, 'type "nothing_known" does not exist'],
    ['a schema of another database', 'prisma/schema.prisma', PRISMA.replace('"postgresql"', '"mysql"'), 'its datasource is no PostgreSQL'],
    ['a schema of GraphQL without a table', 'schema.graphql', 'type Person { id: ID! }', 'it names no table'],
    ['no GraphQL', 'schema.graphql', 'type Person {\n  id ID\n}', 'Syntax Error'],
    ['a document without a table', 'openapi.yaml', 'openapi: 3.1.0\n', 'it names no table'],
    ['a Ruby that is more than a dump', 'db/schema.rb', RAILS.replace('t.text "note"', 'own_column(t)'), 'is not understood'],
  ])('does not know: %s', async (_what, file, text, why) => {
    const [answer] = await check({ [file]: text });
    expect(answer).toMatchObject({ verdict: 'unknown', reason: expect.stringContaining(why) as string });
  });

  it('does not pass over a file that was named: one that is not there, or that nobody knows', async () => {
    const answers = await check({ 'readme.txt': 'x' }, ['readme.txt', 'gone.prisma']);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['unknown', 'unknown']);
    expect(await check({})).toEqual([]);
  });
});
