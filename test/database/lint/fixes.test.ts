import { describe, expect, test } from 'vitest';
import { FORMS } from '../../../scripts/lock-table/forms.ts';
import { parseSql } from '../../../src/database/parser.ts';
import { lint, ofRule } from './support.ts';

describe('what to write instead', () => {
  test.each(Object.entries(FORMS))('is SQL: %s', async (_, { sql, before }) => {
    const refused: string[] = [];
    for (const version of [12, 18]) {
      const files = [before ?? '', ...Array.from({ length: 11 }, () => ''), sql];
      for (const { fix, rule } of await lint(files, { version, limited: false }))
        if (fix !== null && !(await parseSql(fix)).ok) refused.push(`${rule}: ${fix}`);
    }
    expect(refused).toEqual([]);
  });

  const MANY = `ALTER TABLE "Ord" ADD COLUMN "né" varchar(9) DEFAULT md5(random()::text) CHECK ("né" <> ',' ) -- why
    , ADD CONSTRAINT a CHECK (x > 0 AND f('), ADD') > 1), ALTER COLUMN y SET NOT NULL, ADD COLUMN b bigint REFERENCES other (id) ON DELETE CASCADE, ADD UNIQUE (x, y)`;

  test.each([
    ['add-column-default', 'ADD COLUMN "né" varchar(9);\nALTER TABLE "Ord" ALTER COLUMN "né" SET DEFAULT md5(random()::text);'],
    ['add-column-check', `ADD CONSTRAINT "Ord_né_check" CHECK ("né" <> ',' ) NOT VALID;`],
    [
      'add-check',
      `ADD CONSTRAINT a CHECK (x > 0 AND f('), ADD') > 1) NOT VALID;\n-- in a later migration:\nALTER TABLE "Ord" VALIDATE CONSTRAINT a;`,
    ],
    [
      'add-column-references',
      'ADD COLUMN b bigint;\nALTER TABLE "Ord" ADD CONSTRAINT "Ord_b_fkey" FOREIGN KEY (b) REFERENCES other (id) ON DELETE CASCADE NOT VALID;',
    ],
    ['add-unique', 'CREATE UNIQUE INDEX CONCURRENTLY "Ord_x_y_key" ON "Ord" (x, y);'],
  ] as const)('says it in the words of the statement: %s', async (rule, text) => {
    expect(ofRule(await lint(MANY), rule)[0]?.fix).toContain(text);
    expect(ofRule(await lint(`DO $$ BEGIN /* ü */ ${MANY}; END $$`), rule)[0]?.fix).toContain(text);
  });

  const fixOf = async (sql: string, made = 'CREATE TABLE orders (no int PRIMARY KEY, n int)'): Promise<readonly (string | null)[]> => {
    const found = await lint([made, ...Array.from({ length: 11 }, () => ''), sql]);
    return found.filter(({ severity, fix }) => severity !== 'notice' && fix !== null).map(({ fix }) => fix);
  };

  test.each([
    ['UPDATE orders SET n = 1 RETURNING n', 'UPDATE orders SET n = 1\nWHERE no > $1 AND no <= $2\nRETURNING n;'],
    [`UPDATE orders SET n = (SELECT max(x) FROM u WHERE u.y = 'WHERE )' -- WHERE\n LIMIT 1)`, `LIMIT 1)\nWHERE no > $1 AND no <= $2;`],
    ['DELETE FROM orders WHERE true -- all', 'DELETE FROM orders WHERE no > $1 AND no <= $2 AND (true -- all\n);'],
    [
      'WITH gone AS (DELETE FROM orders RETURNING n) SELECT n FROM gone',
      '-- in batches by key, each in its own transaction (slipway db backfill)',
    ],
    ['UPDATE orders o SET n = 1 FROM u', 'WHERE o.no > $1 AND o.no <= $2;'],
  ])('a batch is cut by the key, in the WHERE of the statement itself: %s', async (sql, batch) => {
    const [fix] = await fixOf(sql);
    expect(fix).toContain(batch);
    expect(await parseSql(fix ?? '')).toMatchObject({ ok: true });
  });

  test.each([
    ['ALTER TABLE "user" ALTER "order" SET NOT NULL', 'ALTER TABLE "user" ADD CONSTRAINT user_order_present NOT NULL "order" NOT VALID;'],
    ['ALTER TABLE "user" RENAME "order" TO "Order"', 'ALTER TABLE "user" ADD COLUMN "Order" TYPE;'],
    ['ALTER TABLE "user" ALTER "order" TYPE "Mood" USING NULL', 'ADD COLUMN order_new "Mood";'],
  ])('names that need quotes have them: %s', async (sql, text) => {
    const fixes = await fixOf(sql, `CREATE TYPE "Mood" AS ENUM ('ok'); CREATE TABLE "user" ("order" int)`);
    expect(fixes.join('\n')).toContain(text);
    for (const fix of fixes) expect(await parseSql(fix ?? ''), fix ?? '').toMatchObject({ ok: true });
  });
});
