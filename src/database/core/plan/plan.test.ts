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
    ['DO $$ BEGIN END $$', 'unknown'],
  ])('%s: %s', async (sql, phase) => {
    expect((await phased(sql)).map((one) => one.phase)).toEqual([phase]);
  });

  it('whatever is done to a table of the same file: expand', async () => {
    const statements = await phased('CREATE TABLE a (id int); INSERT INTO a VALUES (1); ALTER TABLE a DROP COLUMN id; UPDATE a SET id = 2');
    expect(statements.map(({ phase }) => phase)).toEqual(['expand', 'expand', 'expand', 'expand']);
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

  it('that is mixed is split into files that each parse, in the order of the phases, with every statement once', async () => {
    const split = splitOf('20260101000000_names', await phased(MIXED)) ?? [];
    expect(split.map(({ name }) => name)).toEqual([
      '20260101000000_names_1_expand.sql',
      '20260101000000_names_2_backfill.sql',
      '20260101000000_names_4_contract.sql',
    ]);
    const again = await Promise.all(split.map(({ sql }) => phased(sql)));
    expect(again.map((statements) => filePhase(statements).phase)).toEqual(['expand', 'backfill', 'contract']);
    expect(again.flat()).toHaveLength(5);
    expect(split[0]?.sql).toContain("SET lock_timeout = '1s';");
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
    ['ALTER TABLE t ALTER a SET NOT NULL', 'refused', 'SELECT count(*)::float8 AS rows FROM "t" WHERE "a" IS NULL'],
  ])('%s', async (sql, kind, count) => {
    const parsed = await parseSql(sql);
    expect(parsed.ok && lossesOf(parsed.statements, () => false)).toMatchObject([{ kind, sql: count, line: 1 }]);
    expect(parsed.ok && lossesOf(parsed.statements, () => true)).toEqual([]);
  });

  it('of what only their text could count, nothing is claimed', async () => {
    const parsed = await parseSql('CREATE UNIQUE INDEX u ON t (lower(a)); CREATE UNIQUE INDEX w ON t (a) WHERE b');
    expect(parsed.ok && lossesOf(parsed.statements, () => false)).toEqual([]);
  });
});
