import { expect, test } from 'vitest';
import { lint, ruled } from './support.ts';

/** After a table that was made long before. */
const orders = (sql: string): readonly string[] => [
  'CREATE TABLE orders (id bigint PRIMARY KEY, n int)',
  ...Array.from({ length: 11 }, () => ''),
  sql,
];

test('rows that an index may find, and those of another table, are a warning', async () => {
  const rows = async (sql: string) =>
    ruled(await lint(orders(`ALTER TABLE orders ADD COLUMN x int; ${sql}`))).filter((one) => one.endsWith('schema-and-rows'));
  const [warning, error] = [['warning schema-and-rows'], ['error schema-and-rows']];
  expect(await rows('UPDATE orders o SET x = 1 FROM other WHERE o.id = other.id AND o.n > 3')).toEqual(warning);
  expect(await rows('UPDATE orders SET x = 1 WHERE id IN (SELECT id FROM other)')).toEqual(warning);
  expect(await rows('DELETE FROM orders WHERE id > 1000')).toEqual(warning);
  expect(await rows('UPDATE other SET x = 1')).toEqual(warning);
  expect(await rows('UPDATE orders o SET x = 1 FROM other WHERE o.n = other.id')).toEqual(error);
  expect(await rows('UPDATE orders SET x = 1 WHERE id > 3 OR n > 3')).toEqual(error);
  expect(await rows('UPDATE orders SET x = 1 WHERE id <> 3')).toEqual(error);
  expect(await rows('UPDATE orders SET x = 1')).toEqual(error);
  expect(await rows('CREATE INDEX ON orders (n) WHERE x > 0; UPDATE orders SET x = 1 WHERE n > 3')).toEqual(error);
  expect(await rows('CREATE INDEX ON orders (n); UPDATE orders SET x = 1 WHERE n > 3')).toEqual(warning);
});

test('one value for every row of a new column is a default', async () => {
  const fix = async (set: string) =>
    (await lint(orders(`ALTER TABLE orders ADD COLUMN x int, ADD COLUMN y text; UPDATE orders SET ${set}`))).find(
      ({ rule }) => rule === 'schema-and-rows',
    )?.fix;
  expect(await fix(`x = 1, y = 'it''s'::text`)).toContain(
    `ALTER TABLE orders ADD COLUMN x int4 NOT NULL DEFAULT 1, ADD COLUMN y text NOT NULL DEFAULT 'it''s';`,
  );
  for (const other of ['x = n', 'x = NULL', 'n = 1', 'x = 1 WHERE n > 3']) expect(await fix(other)).toContain('in batches');
});
