import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readQueries, runQueries, type Answer } from '../../src/database/index.ts';
import { databaseWorld } from './database-world.ts';

const world = databaseWorld();

const SCHEMA = `CREATE TYPE mood AS ENUM ('fine', 'bad');
CREATE TABLE people (id int PRIMARY KEY, email text NOT NULL UNIQUE, mood mood NOT NULL DEFAULT 'fine', age int CHECK (age > 0));
CREATE TABLE orders (id bigserial PRIMARY KEY, person int NOT NULL REFERENCES people DEFERRABLE INITIALLY DEFERRED, note varchar(5), at timestamptz)`;
const ROWS = `INSERT INTO people VALUES (7, 'ann@example.com', 'bad', 30); INSERT INTO orders (person, note, at) VALUES (7, 'hello', now())`;

async function ask(sql: string, before: ReadonlyMap<string, Answer> = new Map()) {
  writeFileSync(join(world.folder(), 'q.sql'), sql);
  const asked = await runQueries(world.access(), await readQueries(world.folder(), 'queries'), { before });
  return { asked, said: asked.map(({ verdict, reason }) => `${verdict}: ${reason}`) };
}

describe('a query set', () => {
  it('is read from a folder; what is no query, or has values that are none, is refused with its place', async () => {
    const folder = world.folder();
    writeFileSync(join(folder, '1.sql'), 'SELECT n FROM t;\nINSERT INTO t VALUES (3);\n');
    writeFileSync(join(folder, '2.sql'), '-- values: [1, "b"]\n-- values: [null, true]\nUPDATE t SET n = $1 WHERE m = $2; SELECT $1');
    expect((await readQueries(folder, 'q')).map(({ name, writes, values }) => [name, writes, values])).toEqual([
      ['1.sql:1', false, []],
      ['1.sql:2', true, []],
      [
        '2.sql:3',
        true,
        [
          ['1', 'b'],
          [null, 'true'],
        ],
      ],
      ['2.sql:3 (2)', false, []],
    ]);
    for (const [text, why] of [
      ['SELECT 1;\nDROP TABLE t', '3.sql:2: only SELECT'],
      ['SELECT 1 INTO made', '3.sql:1: SELECT INTO makes a table'],
      ['-- values: 1, 2\nSELECT $1', '3.sql:2: "-- values: 1, 2" is no list'],
    ] as const) {
      writeFileSync(join(folder, '3.sql'), text);
      await expect(readQueries(folder, 'q')).rejects.toThrow(why);
    }
  });

  it('is executed, with values of rows that are there, and nothing of it stays', async () => {
    await world.query(SCHEMA);
    await world.query(ROWS);
    const { said } = await ask(`SELECT email FROM people;
SELECT * FROM people p JOIN orders o ON o.person = p.id WHERE p.email LIKE $1 AND o.at > $2 LIMIT $3 OFFSET $4;
UPDATE people SET mood = $2, age = $3 WHERE id = $1;
INSERT INTO people (id, email, mood) VALUES ($1, $2, $3);
INSERT INTO orders (person, note) VALUES ($1, $2::text) RETURNING id;
DELETE FROM orders WHERE person = ANY($1);
SELECT gone FROM people`);
    const row = 'pass: prepared, executed with values of rows that are there and taken back';
    expect(said).toEqual([
      'pass: prepared, executed and taken back',
      row,
      row,
      'pass: prepared, executed with values like those of rows that are there and taken back',
      row,
      row,
      'fail: column "gone" does not exist [42703]',
    ]);
    expect(await world.query('SELECT id, age FROM people')).toEqual([{ id: 7, age: 30 }]);
  });

  it('finds what only executing it finds: a column that is left out, and a constraint the defaults break', async () => {
    await world.query(SCHEMA);
    await world.query(ROWS);
    await world.query('ALTER TABLE orders ADD COLUMN total int NOT NULL DEFAULT 0; ALTER TABLE orders ALTER total DROP DEFAULT');
    const insert = '-- values: [7, "hi"]\nINSERT INTO orders (person, note) VALUES ($1, $2)';
    expect((await ask(insert)).said).toEqual([expect.stringMatching(/^fail: .*"total".*violates not-null constraint \[23502\]$/)]);
    await world.query('ALTER TABLE orders ALTER total SET DEFAULT 0; ALTER TABLE orders ADD CHECK (total > 0) NOT VALID');
    expect((await ask(insert)).said).toEqual([expect.stringMatching(/^fail: .*check constraint.*\[23514\]$/)]);
  });

  it('blames the schema for recorded values only where other rows could not be the reason, or where they worked before', async () => {
    await world.query(SCHEMA);
    await world.query(ROWS);
    const insert = '-- values: [99, "hi"]\nINSERT INTO orders (person, note) VALUES ($1, $2)';
    expect((await ask(insert)).said).toEqual([
      'pass: prepared, executed with values of rows that are there, as the recorded ones do not fit the rows that are there and taken back',
    ]);
    const worked = new Map([['q.sql:2', { verdict: 'pass', reason: '', origin: 'recorded', worked: [0] } as const]]);
    expect((await ask(insert, worked)).said).toEqual([expect.stringMatching(/^fail: .*foreign key.*\[23503\]$/)]);
    expect((await ask('-- values: [7, "too long"]\nINSERT INTO orders (person, note) VALUES ($1, $2)')).said).toEqual([
      expect.stringMatching(/^fail: .*too long.*\[22001\]$/),
    ]);
  });

  it.each([
    ['a write that met no row', 'UPDATE people SET age = 3 WHERE id = 12345', 'there was no row for it to change'],
    ['values that the rows may refuse', 'INSERT INTO orders (person, note) VALUES ($1, $2)', 'the values may be to blame'],
    ['a type nobody thought of', 'SELECT $1::pg_lsn', 'no values for its parameters are known'],
    ['lists of another length', '-- values: [1]\nSELECT $1::int, $2::int', 'not as many as its parameters'],
    ['a parameter that lost its type', 'SELECT $1 + $2 IS NULL', 'its parameters have no type any more'],
  ])('does not know: %s', async (_what, sql, why) => {
    await world.query(SCHEMA);
    const { said } = await ask(sql);
    expect(said).toEqual([expect.stringContaining(why)]);
    expect(said[0]).toMatch(/^unknown/);
  });
});
