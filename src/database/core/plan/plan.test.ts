import { describe, expect, it } from 'vitest';
import { parseSql } from '../../parser.ts';
import { effectsOf } from '../rollback-class.ts';
import { lossesOf } from './losses.ts';
import { filePhase, phasesOf, splitOf, type PhasedStatement } from './phase.ts';

async function phased(sql: string): Promise<readonly PhasedStatement[]> {
  const parsed = await parseSql(sql);
  if (!parsed.ok) throw new Error(parsed.message);
  return phasesOf(effectsOf(parsed.statements));
}

describe('the phase of', () => {
  it.each([
    ['CREATE TABLE a (id int)', 'expand'],
    ['ALTER TABLE t ADD COLUMN n int', 'expand'],
    ['CREATE INDEX CONCURRENTLY i ON t (n)', 'expand'],
    ['ALTER TABLE t ADD COLUMN n int NOT NULL', 'contract'],
    ['UPDATE t SET n = 1', 'backfill'],
    ['INSERT INTO t VALUES (1)', 'backfill'],
    ['DELETE FROM t WHERE n = 1', 'backfill'],
    ['ALTER TABLE t RENAME COLUMN a TO b', 'switch'],
    ['ALTER TABLE t ALTER COLUMN a SET DEFAULT 3', 'switch'],
    ['CREATE OR REPLACE VIEW v AS SELECT 1', 'switch'],
    ['CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()', 'switch'],
    ['ALTER TABLE t DROP COLUMN a', 'contract'],
    ['DROP TABLE t', 'contract'],
    ['ALTER TABLE t ALTER COLUMN a SET NOT NULL', 'contract'],
    ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID', 'contract'],
    ['CREATE UNIQUE INDEX u ON t (a)', 'contract'],
    ['ALTER TABLE t ALTER COLUMN a TYPE int', 'contract'],
    ["SET lock_timeout = '1s'", 'neutral'],
    ['SELECT my_function()', 'unknown'],
    ["SELECT setval('t_id_seq', (SELECT max(id) FROM t))", 'backfill'],
    ["SELECT setval(pg_get_serial_sequence('t', 'id'), coalesce(max(id), 1)) FROM t", 'backfill'],
    ["SELECT setval('s', 1), my_function()", 'unknown'],
    ["INSERT INTO t SELECT setval('s', 1)", 'unknown'],
    ['DO $$ BEGIN END $$', 'unknown'],
    ['ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID', 'contract'],
    ['ALTER DOMAIN d VALIDATE CONSTRAINT c', 'expand'],
    ['ALTER DOMAIN d DROP NOT NULL', 'switch'],
  ])('%s: %s', async (sql, phase) => {
    expect((await phased(sql)).map((one) => one.phase)).toEqual([phase]);
  });

  it('whatever is done to a table of the same file: expand', async () => {
    const statements = await phased('CREATE TABLE a (id int); INSERT INTO a VALUES (1); ALTER TABLE a DROP COLUMN id; UPDATE a SET id = 2');
    expect(statements.map(({ phase }) => phase)).toEqual(['expand', 'expand', 'expand', 'expand']);
  });

  it.each([
    ["CREATE SEQUENCE s; SELECT setval('s', 3); SELECT setval('s'::regclass, 4)", ['expand', 'expand', 'expand']],
    ["CREATE TABLE n (id serial); SELECT setval(pg_get_serial_sequence('n', 'id'), 3)", ['expand', 'expand']],
    // A table that had the name before may have left its sequence behind.
    ["CREATE TABLE n (id serial); SELECT setval('n_id_seq', 3)", ['expand', 'backfill']],
    ["CREATE SEQUENCE s; ALTER SEQUENCE s RENAME TO t; SELECT setval('s', 3)", ['expand', 'switch', 'backfill']],
  ])('numbers of a sequence of the same file: %s', async (sql, phases) => {
    expect((await phased(sql)).map(({ phase }) => phase)).toEqual(phases);
  });
});

it('an index that is built under a lock is no change that nobody notices', async () => {
  const whys = async (sql: string): Promise<readonly string[]> => (await phased(sql)).map(({ why }) => why);
  const noticed = expect.stringContaining('whoever writes waits until the index is built') as unknown;
  expect(await whys('CREATE INDEX i ON t (n)')).toEqual([noticed]);
  expect(await whys('CREATE INDEX CONCURRENTLY i ON t (n)')).toEqual(['the old version does not notice it']);
  expect((await whys('CREATE TABLE n (id int); CREATE INDEX i ON n (id)'))[1]).toBe('the old version does not notice it');
});

describe('a name that another table takes over', () => {
  it.each([
    ['CREATE TABLE t_new (id int); ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t', ['expand', 'switch', 'switch']],
    ['CREATE TABLE t (id int); ALTER TABLE t RENAME TO t2; DELETE FROM t', ['expand', 'switch', 'backfill']],
    ['CREATE TABLE t (id int); ALTER TABLE t SET SCHEMA q; DELETE FROM t', ['expand', 'switch', 'backfill']],
    ['CREATE TABLE t (id int); DROP TABLE t; ALTER TABLE t DROP COLUMN a', ['expand', 'expand', 'contract']],
    [
      'CREATE TABLE p (id int) PARTITION BY LIST (id); ALTER TABLE p ATTACH PARTITION t FOR VALUES IN (1); DROP TABLE p',
      ['expand', 'switch', 'contract'],
    ],
    [
      'CREATE TABLE p (id int PRIMARY KEY); ALTER TABLE t ADD COLUMN p int REFERENCES p; TRUNCATE p CASCADE',
      ['expand', 'expand', 'backfill'],
    ],
    ['ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u; GRANT SELECT ON public.t TO r', ['switch', 'switch', 'switch']],
    ['ALTER TABLE t RENAME TO u; CREATE VIEW v AS SELECT * FROM u; GRANT SELECT ON u TO r', ['switch', 'expand', 'expand']],
    ['CREATE TABLE p (id int) PARTITION BY LIST (id); ALTER TABLE p ATTACH PARTITION t FOR VALUES IN (1)', ['expand', 'switch']],
  ])('%s', async (sql, phases) => {
    expect((await phased(sql)).map(({ phase }) => phase)).toEqual(phases);
  });
});

describe('a file', () => {
  const MIXED = `SET lock_timeout = '1s';
-- the new shape
ALTER TABLE people ADD COLUMN first_name text;
UPDATE people SET first_name = name;
ALTER TABLE people DROP COLUMN name;
ALTER TABLE people ADD COLUMN age int;`;

  it('of one phase is that, of several is mixed, of none is neutral', async () => {
    expect(filePhase(await phased('ALTER TABLE t ADD COLUMN n int; CREATE TABLE a (id int)')).phase).toBe('expand');
    expect(filePhase(await phased("SET lock_timeout = '1s'"))).toEqual({ phase: 'neutral', because: 'nothing in it is seen by a program' });
    expect(filePhase(await phased(MIXED))).toEqual({
      phase: 'mixed',
      because: 'it holds expand (line 3), backfill (line 4), contract (line 5): one release cannot prove each of them',
    });
    expect(filePhase(await phased('ALTER TABLE t ADD COLUMN n int; SELECT f()')).phase).toBe('unknown');
  });

  it('that is mixed is split into files that each parse, in the order of the phases, with every statement once and its settings before it', async () => {
    const split = splitOf('20260101000000_names', await phased(MIXED)) ?? [];
    expect(split.map(({ name }) => name)).toEqual([
      '20260101000000_names_1_expand.sql',
      '20260101000000_names_2_backfill.sql',
      '20260101000000_names_4_contract.sql',
    ]);
    const again = await Promise.all(split.map(({ sql }) => phased(sql)));
    expect(again.map((statements) => filePhase(statements).phase)).toEqual(['expand', 'backfill', 'contract']);
    expect(again.flat().filter(({ lasts }) => !lasts)).toHaveLength(4);
    for (const { sql } of split) expect(sql.startsWith("SET lock_timeout = '1s';")).toBe(true);
  });

  it('that holds what is not understood is not split', async () => {
    expect(splitOf('1_x', await phased('ALTER TABLE t ADD COLUMN n int; SELECT f(); DROP TABLE t'))).toBeNull();
  });
});

describe('what is lost or refused', () => {
  it.each([
    ['ALTER TABLE t DROP COLUMN "A b"', 'lost', 'SELECT count("A b")::float8 AS rows FROM "t"'],
    ['DROP TABLE s.t', 'lost', 'SELECT count(*)::float8 AS rows FROM "s"."t"'],
    ['TRUNCATE t', 'lost', 'SELECT count(*)::float8 AS rows FROM "t"'],
    [
      `ALTER TABLE t ADD COLUMN z text CHECK (z <> ')'), ADD CONSTRAINT c CHECK (lower("a(") <> 'check (' /* ) */)`,
      'refused',
      `SELECT count(*)::float8 AS rows FROM "t" WHERE (lower("a(") <> 'check (' /* ) */\n) IS FALSE`,
    ],
    [
      `CREATE UNIQUE INDEX w ON t USING btree (lower(a) text_ops DESC, (b || ','), c) WHERE d IS NULL`,
      'refused',
      `SELECT coalesce(sum(n), 0)::float8 AS rows FROM (SELECT count(*) AS n FROM "t" WHERE (d IS NULL\n) AND lower(a) IS NOT NULL AND (b || ',') IS NOT NULL AND "c" IS NOT NULL GROUP BY lower(a), (b || ','), "c" HAVING count(*) > 1) twice`,
    ],
    ['ALTER TABLE t ALTER a SET NOT NULL', 'refused', 'SELECT count(*)::float8 AS rows FROM "t" WHERE "a" IS NULL'],
  ])('%s', async (sql, kind, count) => {
    const parsed = await parseSql(sql);
    const effects = parsed.ok ? effectsOf(parsed.statements) : [];
    expect(lossesOf(effects)).toMatchObject([{ kind, sql: count, line: 1 }]);
    expect(lossesOf(effects.map((one) => ({ ...one, onFresh: true })))).toEqual([]);
  });

  it.each([
    'ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)',
    'ALTER TABLE t ALTER a TYPE int',
    'ALTER DOMAIN d ADD CHECK (VALUE > 0)',
    'ALTER DOMAIN d SET NOT NULL',
    'ALTER TABLE t VALIDATE CONSTRAINT c',
    'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o',
    'DROP SCHEMA s CASCADE',
  ])('what no query counts is not taken for nothing: %s', async (sql) => {
    const parsed = await parseSql(sql);
    expect(parsed.ok && lossesOf(effectsOf(parsed.statements))).toMatchObject([{ sql: null }]);
  });

  it('rows that are there do not stand in the way of NOT VALID', async () => {
    const sql = 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o (id) NOT VALID, ADD CHECK (a > 0) NOT VALID';
    const parsed = await parseSql(sql);
    expect(parsed.ok && lossesOf(effectsOf(parsed.statements))).toEqual([]);
  });

  it('nulls stand in the way of a primary key, and of a unique one that takes them for the same', async () => {
    const parsed = await parseSql('ALTER TABLE t ADD PRIMARY KEY (a); CREATE UNIQUE INDEX u ON t (a) NULLS NOT DISTINCT');
    const losses = parsed.ok ? lossesOf(effectsOf(parsed.statements)) : [];
    expect(losses.map(({ what }) => what)).toContain('rows of t where a is null');
    expect(losses.at(-1)?.sql).toContain('WHERE true GROUP BY');
  });
});
