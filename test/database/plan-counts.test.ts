import { describe, expect, it } from 'vitest';
import { planMigrations } from '../../src/database/index.ts';
import { migrationWorld } from './migration-world.ts';

const world = migrationWorld();

const SCHEMA = `CREATE DOMAIN positive AS int;
CREATE TABLE shops (id int PRIMARY KEY);
CREATE TABLE t (id bigint PRIMARY KEY, name varchar(20), price numeric(10,4), word text, at timestamp, score double precision, level positive, shop int);
CREATE TABLE days (day date) PARTITION BY RANGE (day); CREATE TABLE days_rest PARTITION OF days DEFAULT; INSERT INTO days VALUES ('2027-02-02'), (NULL);
CREATE TABLE loose (day date); INSERT INTO loose VALUES ('2027-07-07'), ('2029-01-01'), (NULL);
CREATE TABLE kinds (k text) PARTITION BY LIST (k); CREATE TABLE kinds_rest PARTITION OF kinds DEFAULT; INSERT INTO kinds VALUES ('a'), ('b'), (NULL);
INSERT INTO shops VALUES (1);
INSERT INTO t VALUES (1, 'short', 12.3456, '12', '2026-01-01 10:30', 1.5, 1, 1), (2, 'SHORT', 5, 'twelve', '2026-01-02', 2, -1, 2),
  (3000000000, 'rather a long one', 123456, NULL, NULL, NULL, NULL, NULL);`;

/** Counts of a pending file, in words. */
async function counts(sql: string): Promise<readonly string[]> {
  await world.query(SCHEMA);
  world.files({ '1_change.sql': sql });
  const { files } = await planMigrations(world.access(), { directory: world.folder() });
  return files.flatMap(({ losses }) => losses.map(({ kind, rows, what, because }) => `${kind} ${rows ?? because} ${what}`));
}

describe('what a pending file loses, or is refused for, is counted', () => {
  it.each([
    ['ALTER TABLE t ALTER name TYPE varchar(10)', ['refused 1 values of t.name that do not fit the new type']],
    ['ALTER TABLE t ALTER name TYPE text, ALTER name TYPE varchar(30), ALTER id TYPE numeric', []],
    [
      'ALTER TABLE t ALTER id TYPE int',
      ['refused 1 values of t.id that do not fit the new type', 'lost 0 values of t.id that the new type cuts short'],
    ],
    [
      'ALTER TABLE t ALTER price TYPE numeric(7,2)',
      ['refused 1 values of t.price that do not fit the new type', 'lost 1 values of t.price that the new type cuts short'],
    ],
    [
      'ALTER TABLE t ALTER score TYPE int',
      ['refused 0 values of t.score that do not fit the new type', 'lost 1 values of t.score that the new type cuts short'],
    ],
    ['ALTER TABLE t ALTER at TYPE date', ['lost 1 values of t.at that the new type cuts short']],
    ['ALTER TABLE t ALTER word TYPE int USING word::int', ['refused 1 values of t.word that do not fit the new type']],
    ['ALTER TABLE t ALTER word TYPE int USING length(word)', ['refused no query tells values of t.word that do not fit the new type']],
    ['ALTER TABLE t ADD CHECK (price < 100)', ['refused 1 rows of t that break the new constraint']],
    ['CREATE UNIQUE INDEX u ON t (lower(name))', ['refused 2 rows of t that the index takes for the same']],
    [`CREATE UNIQUE INDEX u ON t (lower(name)) WHERE price > 10`, ['refused 0 rows of t that the index takes for the same']],
    ['ALTER DOMAIN positive ADD CHECK (VALUE > 0)', ['refused 1 values of the domain positive that break the new constraint, in t.level']],
    ['ALTER DOMAIN positive SET NOT NULL', ['refused 1 values of the domain positive that are null, in t.level']],
    ['ALTER TABLE t ADD FOREIGN KEY (shop) REFERENCES shops', ['refused 1 rows of t without their row of shops']],
    ['ALTER TABLE t ALTER gone TYPE int', ['refused no query tells values of t.gone that do not fit the new type']],
    ['DROP TABLE IF EXISTS nowhere; ALTER TABLE IF EXISTS nowhere DROP COLUMN a; ALTER TABLE t DROP COLUMN IF EXISTS gone', []],
    ['ALTER TABLE t ADD COLUMN IF NOT EXISTS name text NOT NULL', []],
    ['ALTER TABLE t DROP COLUMN IF EXISTS name', ['lost 3 values of t.name']],
    ['ALTER TABLE t ADD COLUMN n int; CREATE UNIQUE INDEX u ON t (n); ALTER TABLE t ADD FOREIGN KEY (n) REFERENCES shops', []],
    [
      'ALTER TABLE t ADD COLUMN n int; UPDATE t SET n = 1; CREATE UNIQUE INDEX u ON t (n)',
      ['refused column "n" does not exist rows of t that share their n with another'],
    ],
    ['CREATE TABLE n (id int); ALTER TABLE n ADD COLUMN x int; DROP TABLE n', []],
    ["ALTER TABLE t ADD COLUMN n text DEFAULT 'x' UNIQUE", ['refused 3 rows of t that get the same value of the new column n']],
    ['ALTER TABLE t ADD COLUMN n uuid DEFAULT gen_random_uuid() UNIQUE', []],
    [
      "ALTER TABLE t ADD COLUMN n text NOT NULL DEFAULT 'x' CHECK (n <> 'x')",
      ['refused 3 rows of t, for which the default of the new column n breaks its CHECK'],
    ],
    [
      'ALTER TABLE t ADD COLUMN n numeric GENERATED ALWAYS AS (1 / (price - 5)) STORED',
      ['refused division by zero rows of t, for which the new column n cannot be computed'],
    ],
    [
      'ALTER TABLE t ADD COLUMN n numeric GENERATED ALWAYS AS (1 / (price + 5)) STORED',
      ['refused 0 rows of t, for which the new column n cannot be computed'],
    ],
    [
      "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
      ['refused 1 rows of days that are in the wrong partition for the new one'],
    ],
    [
      "CREATE TABLE days_3 PARTITION OF days FOR VALUES FROM (MINVALUE) TO ('2020-01-01')",
      ['refused 0 rows of days that are in the wrong partition for the new one'],
    ],
    [
      "ALTER TABLE days ATTACH PARTITION loose FOR VALUES FROM ('2027-06-01') TO ('2028-01-01')",
      ['refused 2 rows of days that are in the wrong partition for the new one'],
    ],
    [
      "CREATE TABLE kinds_2 PARTITION OF kinds FOR VALUES IN ('b', NULL)",
      ['refused 2 rows of kinds that are in the wrong partition for the new one'],
    ],
    ["CREATE TABLE p (k text) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('a')", []],
  ] as const)('%s', async (sql, expected) => {
    expect(await counts(sql)).toEqual(expected);
  });

  it('for a constraint that was added NOT VALID, and is validated later', async () => {
    await world.query(SCHEMA);
    await world.query(
      'ALTER TABLE t ADD CONSTRAINT cheap CHECK (price < 100) NOT VALID, ADD CONSTRAINT of FOREIGN KEY (shop) REFERENCES shops NOT VALID',
    );
    world.files({ '1_validate.sql': 'ALTER TABLE t VALIDATE CONSTRAINT cheap;\nALTER TABLE t VALIDATE CONSTRAINT of;' });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.losses.map(({ rows }) => rows)).toEqual([1, 1]);
  });

  it('as the server does: what counts as refused is refused, what does not is done', async () => {
    await world.query(SCHEMA);
    for (const [change, count] of [
      ['ALTER name TYPE varchar(10)', 1],
      ['ALTER name TYPE varchar(17)', 0],
      ['ALTER id TYPE int', 1],
      ['ALTER price TYPE numeric(7,2)', 1],
      ['ALTER price TYPE numeric(8,2)', 0],
      ['ALTER word TYPE int USING word::int', 1],
    ] as const) {
      world.files({ '1_change.sql': `ALTER TABLE t ${change}` });
      const { files } = await planMigrations(world.access(), { directory: world.folder() });
      expect(files[0]?.losses.find(({ kind }) => kind === 'refused')?.rows, change).toBe(count);
      const ran = await world.query(`BEGIN; ALTER TABLE t ${change}; ROLLBACK`).then(
        () => 'done',
        () => 'refused',
      );
      expect(ran, change).toBe(count === 0 ? 'done' : 'refused');
    }
  });
});

describe('the ledger of a file', () => {
  it('does not say that nothing depends on a table it did not find', async () => {
    world.files({
      '1_gone.sql': 'ALTER TABLE elsewhere DROP COLUMN a;',
      '2_both.sql': 'DROP TABLE elsewhere; CREATE TABLE mine (id int);',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    const lost = 'not known for elsewhere, which the database does not have';
    expect(files.map(({ ledger }) => ledger.dependants.value)).toEqual([lost, lost]);
  });

  it('has all that is known, what is declared, and says what nobody knows', async () => {
    await world.query(SCHEMA);
    world.files({
      '1_change.sql': `-- slipway: ledger workers "the nightly report reads t.name"
ALTER TABLE t ALTER name TYPE text, ADD COLUMN note text NOT NULL DEFAULT '';
ALTER TABLE t ALTER price SET NOT NULL;`,
      '2_again.sql': 'ALTER TABLE t DROP COLUMN note;',
    });
    const { files } = await planMigrations(world.access(), { directory: world.folder() });
    expect(files[0]?.ledger).toMatchObject({
      'old-shape': { value: 't (name varchar(20), price numeric(10,4), no note)', from: 'database' },
      'new-shape': { value: 't (name text, price numeric(10,4) not null, note text not null)', from: 'database' },
      rows: { value: '0 rows of t where price is null; t: rows not known', from: 'database' },
      workers: { value: 'the nightly report reads t.name', from: 'declared' },
      reporting: { value: null, from: 'unknown' },
      'new-code': { value: null, from: 'unknown' },
      validation: { value: 'SELECT count(*)::float8 AS rows FROM "t" WHERE "price" IS NULL -- 0', from: 'file' },
      dependants: { value: 'no view and no function of the database', from: 'database' },
    });
    expect(files[1]?.ledger['old-shape'].value).toBe('t (note text not null)');
    const offline = await planMigrations(null, { directory: world.folder() });
    expect(offline.files[0]?.ledger['old-shape']).toEqual({ value: null, from: 'unknown' });
  });

  it('refuses a line that it does not understand', async () => {
    world.files({ '1_change.sql': '-- slipway: ledger worker "x"\nSELECT 1;' });
    await expect(planMigrations(null, { directory: world.folder() })).rejects.toThrow(
      '1_change.sql:1: write: -- slipway: ledger FIELD "text"',
    );
  });
});
