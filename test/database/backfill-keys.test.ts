import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, forecastBackfill, runBackfill, type BackfillChange } from '../../src/database/index.ts';
import { backfillWorld } from './backfill-world.ts';

const { request, query, access, folder } = backfillWorld();

const limits = { ...DEFAULT_LIMITS, nice: 0, mostRowsPerBatch: 7 };
const TYPES = `CREATE DOMAIN document AS jsonb CHECK (VALUE IS NOT NULL); CREATE TYPE pair AS (a int, b text);
  CREATE TYPE letter AS ENUM ('z', 'y', 'x', 'w', 'v', 'u', 't', 's', 'r', 'q', 'p', 'o', 'n', 'm', 'l', 'k', 'j', 'i', 'h', 'g');`;

describe('a key may be of any type that PostgreSQL orders', () => {
  const changes: readonly BackfillChange[] = [
    { kind: 'set', columns: { times: 'times + 1' } },
    { kind: 'statement', sql: 'UPDATE people SET times = times + 1 WHERE id IN (${batch})' },
    { kind: 'function', file: 'more.mjs' },
  ];

  test.each([
    ['jsonb', `jsonb_build_object('n', n, 'a"', ARRAY[NULL, n])`],
    ['jsonb', 'to_jsonb(chr(96 + n::int))'],
    ['document', 'to_jsonb(n)'],
    ['jsonb[]', 'ARRAY[to_jsonb(n)]'],
    ['double precision', 'sqrt(n)'],
    ['timestamptz', `'2026-01-01'::timestamptz + n * interval '1 microsecond'`],
    ['interval', `n * interval '-1 day 1 microsecond'`],
    ['bytea', `decode(lpad(to_hex(n), 4, '0'), 'hex')`],
    ['text[]', `ARRAY['a"{\\', NULL, n::text]`],
    ['pair', `ROW(n, 'a,"b')::pair`],
    ['numrange', 'numrange(n, n + 1)'],
    ['"char"', 'chr(64 + n::int)::"char"'],
    ['char(3)', 'chr(96 + n::int)'],
    ['letter', `(enum_range(NULL::letter))[n]`],
  ])('%s %s', async (type, value) => {
    writeFileSync(join(folder(), 'more.mjs'), 'export default (rows) => rows.map(({ times }) => ({ times: times + 1 }));');
    await query(`${TYPES} CREATE TABLE people (id ${type} PRIMARY KEY, times int NOT NULL DEFAULT 0);
      INSERT INTO people SELECT ${value} FROM generate_series(1, 20) n`);
    for (const [index, change] of changes.entries()) {
      const result = await runBackfill(request({ workers: 2 }, { name: change.kind, where: `times = ${index}`, change, limits }));
      expect(result, change.kind).toMatchObject({ verdict: 'pass', changed: 20, quarantined: 0 });
    }
    expect(await query('SELECT times, count(*)::int AS n FROM people GROUP BY 1')).toEqual([{ times: 3, n: 20 }]);
  });

  test('and a function may give it another value', async () => {
    writeFileSync(join(folder(), 'keys.mjs'), 'export default (rows) => rows.map(({ id }) => ({ id: id + 100 }));');
    await query('CREATE TABLE people (id int PRIMARY KEY); INSERT INTO people VALUES (1), (2)');
    const change = { kind: 'function', file: 'keys.mjs' } as const;
    expect(await runBackfill(request({}, { where: 'id < 100', change, limits }))).toMatchObject({ verdict: 'pass', changed: 2 });
    expect(await query('SELECT id FROM people ORDER BY 1')).toEqual([{ id: 101 }, { id: 102 }]);
  });
});

describe('a key is refused before anything is changed', () => {
  const words = (text: string): string => expect.stringContaining(text) as string;
  const expectRefused = async (message: string, key: readonly string[] | null = null): Promise<void> => {
    const error = { code: 'config_invalid', message: words(message) };
    await expect(runBackfill(request({}, { key, where: 'times = 0', limits }))).rejects.toMatchObject(error);
    await expect(forecastBackfill(request({}, { key, where: 'times = 0', limits }))).rejects.toMatchObject(error);
    expect(await query('SELECT sum(times)::int AS n FROM people')).toEqual([{ n: 0 }]);
  };

  test.each(['double precision', 'real', 'score', 'double precision[]'])('of type %s where its digits are cut off', async (type) => {
    await query(`CREATE DOMAIN score AS double precision; CREATE TABLE people (id ${type} PRIMARY KEY, times int NOT NULL DEFAULT 0);
      INSERT INTO people SELECT ${type.endsWith('[]') ? 'ARRAY[sqrt(n)]' : 'sqrt(n)'} FROM generate_series(1, 20) n;
      ALTER DATABASE ${access().name} SET extra_float_digits = 0`);
    await expectRefused('is printed here with fewer digits than it has');
  });

  test.each([
    ['an operator class', 'id text_pattern_ops'],
    ['a collation', 'id COLLATE "POSIX"'],
  ])('whose index has %s of its own: no batch would be found along it', async (_what, column) => {
    await query(`CREATE TABLE people (id text NOT NULL, times int NOT NULL DEFAULT 0); CREATE UNIQUE INDEX walked ON people (${column});
      INSERT INTO people VALUES ('a')`);
    await expectRefused('The index walked of people cannot be walked', ['id']);
  });
});
