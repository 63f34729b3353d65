import { expect, test } from 'vitest';
import { lint, ruled, type Setting } from './support.ts';

const ROW = `INSERT INTO kinds (id, name) VALUES (1, 'a')`;

/** What is found in the last of these files, the table made long before. */
async function found(rows: readonly string[], setting: Setting = {}): Promise<readonly string[]> {
  const files = ['CREATE TABLE kinds (id int PRIMARY KEY, name text)', ...rows, ...Array.from({ length: 11 }, () => '')];
  return ruled(await lint([...files, 'ALTER TABLE kinds ALTER name SET NOT NULL'], setting));
}

test('a table of which three files spell rows out is hardly large', async () => {
  expect(await found([ROW, ROW, ROW])).toEqual(['warning set-not-null']);
  expect(await found([ROW, `INSERT INTO kinds SELECT 2, 'b'; ${ROW}`, `COMMENT ON TABLE kinds IS 'x'; ${ROW}`])).toEqual([
    'warning set-not-null',
  ]);
});

test('two may be a first user and a second, and rows of other tables say nothing', async () => {
  const error = ['error set-not-null'];
  expect(await found([ROW, ROW])).toEqual(error);
  expect(await found([`${ROW}; ${ROW}; ${ROW}`])).toEqual(error);
  expect(await found([ROW, ROW, 'INSERT INTO kinds SELECT id, name FROM others'])).toEqual(error);
  expect(await found([ROW, ROW, `INSERT INTO kinds VALUES (2, (SELECT name FROM others))`])).toEqual(error);
  expect(await found([ROW, ROW, ROW, 'DROP TABLE kinds; CREATE TABLE kinds (id int, name text)'])).toEqual(error);
});

test('a size that is known says more', async () => {
  expect(await found([ROW, ROW, ROW], { sizes: { kinds: { rows: 1e6, bytes: 5e8 } } })).toEqual(['error set-not-null']);
});

test('it stays what it is under another name', async () => {
  const files = ['CREATE TABLE kinds (id int, name text)', ROW, ROW, ROW, 'ALTER TABLE kinds RENAME TO sorts'];
  const all = [...files, ...Array.from({ length: 11 }, () => ''), 'ALTER TABLE sorts ALTER name SET NOT NULL'];
  expect(ruled(await lint(all))).toEqual(['warning set-not-null']);
});
