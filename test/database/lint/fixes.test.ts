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
});
