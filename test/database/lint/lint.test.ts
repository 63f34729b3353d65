import { describe, expect, test } from 'vitest';
import { judge, lint, ofRule, ruled } from './support.ts';

/** The ten migrations that make a table old, so that its age says nothing about its size. */
const OLD = [
  'CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), n int, price numeric(10,2), at timestamp)',
  ...Array.from({ length: 11 }, () => 'SELECT 1'),
];
const after = (...files: readonly string[]): readonly string[] => [...OLD, ...files];

describe('what statements lock', () => {
  const CASES: readonly (readonly [sql: string, rules: readonly string[]])[] = [
    ['CREATE INDEX i ON orders (n)', ['warning create-index']],
    ['CREATE INDEX CONCURRENTLY i ON orders (n)', ['error index-in-transaction']],
    ['DROP INDEX i', ['warning drop-index']],
    ['REINDEX TABLE orders', ['error reindex']],
    ['ALTER TABLE orders ADD COLUMN x int', []],
    ['ALTER TABLE orders ADD COLUMN x timestamptz DEFAULT now()', []],
    ['ALTER TABLE orders ADD COLUMN x uuid DEFAULT gen_random_uuid()', ['error add-column-default']],
    ['ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS (n + 1) STORED', ['error add-column-generated']],
    ['ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS (n + 1) VIRTUAL', []],
    ['ALTER TABLE orders ADD COLUMN x bigserial', ['error add-column-serial']],
    ['ALTER TABLE orders ADD COLUMN x int GENERATED ALWAYS AS IDENTITY', ['error add-column-serial']],
    ['ALTER TABLE orders ADD COLUMN x int CHECK (x > 0)', ['error add-column-check']],
    ['ALTER TABLE orders ADD COLUMN x int REFERENCES other', ['warning add-column-references']],
    ['ALTER TABLE orders ALTER COLUMN n SET NOT NULL', ['error set-not-null']],
    ['ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0)', ['error add-check']],
    ['ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID', []],
    ['ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES other', ['warning add-foreign-key']],
    ['ALTER TABLE orders ADD CONSTRAINT c UNIQUE (n)', ['error add-unique']],
    ['ALTER TABLE orders ADD CONSTRAINT c EXCLUDE USING gist (n WITH =)', ['error add-exclude']],
    ['ALTER TABLE orders SET UNLOGGED', ['error table-rewrite']],
    ['REFRESH MATERIALIZED VIEW v', ['error refresh-view']],
    ['ALTER TABLE parent ATTACH PARTITION part DEFAULT', ['error attach-partition']],
    ['ALTER TABLE parent DETACH PARTITION part', ['warning detach-partition']],
    ['CREATE TABLE part PARTITION OF parent DEFAULT', ['warning partition-of']],
    ['ALTER DOMAIN d ADD CHECK (VALUE > 0)', ['warning domain-constraint']],
    ['LOCK TABLE orders', ['warning lock-table']],
    ['ALTER TABLE orders ADD COLUMN x int NOT NULL', ['error required-column']],
  ];

  test.each(CASES)('%s', async (sql, rules) => {
    expect(ruled(await lint(after(sql)))).toEqual(rules);
  });

  test('a table made by the same file is nobody’s yet', async () => {
    const sql =
      'CREATE TABLE t (id int PRIMARY KEY, a int); CREATE INDEX ON t (a); ALTER TABLE t ALTER COLUMN a SET NOT NULL; UPDATE t SET a = 1';
    expect(ruled(await lint(sql))).toEqual([]);
  });

  test('what is measured differs by version', async () => {
    const sql = after(
      'ALTER TABLE orders ADD CONSTRAINT p CHECK (n IS NOT NULL) NOT VALID',
      'ALTER TABLE orders VALIDATE CONSTRAINT p',
      'ALTER TABLE orders ALTER COLUMN n SET NOT NULL',
    );
    expect(ruled(await lint(sql, { version: 11 }))).toEqual(['error set-not-null']);
    expect(ruled(await lint(sql, { version: 12 }))).toEqual([]);
  });

  test('it says the lock, the place and what to write instead', async () => {
    const [found] = ofRule(await lint(after('-- why\n\nALTER TABLE orders\n  ADD CONSTRAINT positive CHECK (n > 0)')), 'add-check');
    expect(found).toMatchObject({
      line: 4,
      column: 7,
      relation: 'orders',
      message: 'ADD CHECK takes ACCESS EXCLUSIVE on orders, and reads orders whole',
    });
    expect(found?.fix).toContain('NOT VALID;\n-- in a later migration:\nALTER TABLE orders VALIDATE CONSTRAINT positive;');
  });
});

describe('changes of type', () => {
  const change = async (type: string, ...between: readonly string[]): Promise<readonly string[]> =>
    ruled(await lint(after(...between, `ALTER TABLE orders ALTER COLUMN name TYPE ${type}`)));

  test('a safe one is not told', async () => {
    expect(await change('varchar(40)')).toEqual([]);
    expect(await change('text')).toEqual([]);
  });

  test('one that writes the table anew is', async () => {
    expect(await change('varchar(10)')).toEqual(['error column-type', 'warning narrower-type']);
    expect(await change('bytea USING name::bytea')).toEqual(['error column-type']);
  });

  test('a CHECK on the column makes it read the table', async () => {
    expect(await change('text', `ALTER TABLE orders ADD CONSTRAINT c CHECK (name <> '')`)).toEqual(['error column-type']);
  });

  test('where the old type is not known, that is the answer', async () => {
    const { verdict, findings } = await judge('ALTER TABLE stranger ALTER COLUMN x TYPE text');
    expect(verdict).toBe('unknown');
    expect(findings.find((one) => one.rule === 'column-type')).toMatchObject({ certainty: 'unknown', severity: 'warning' });
  });
});

describe('across statements and files', () => {
  test('validating in the transaction that added the constraint', async () => {
    const both = 'ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c';
    expect(ruled(await lint(after(both)))).toContain('error validate-together');
    expect(ruled(await lint(after(both), { transactions: 'statement' }))).toEqual([]);
    expect(ruled(await lint(after(...both.split('; '))))).toEqual([]);
  });

  test('rows changed while everybody is kept out', async () => {
    const sql = 'ALTER TABLE orders ADD COLUMN x int; UPDATE orders SET x = 1 WHERE n > 3';
    expect(ruled(await lint(after(sql)))).toEqual(['error schema-and-rows']);
    expect(ruled(await lint(after(sql), { transactions: 'statement' }))).toEqual([]);
  });

  test('several tables locked in one transaction', async () => {
    const sql = 'ALTER TABLE orders ADD COLUMN x int; ALTER TABLE other ADD COLUMN x int';
    expect(ruled(await lint(after(sql)))).toEqual(['warning several-locks']);
    expect(ruled(await lint(after(sql), { transactions: 'statement' }))).toEqual([]);
  });

  test('an index built before makes the constraint cheap, if its column cannot be NULL', async () => {
    const index = 'CREATE UNIQUE INDEX CONCURRENTLY u ON orders (n)';
    const key = 'ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT p PRIMARY KEY USING INDEX u';
    expect(ruled(await lint(after(index, key), { transactions: 'auto' }))).toEqual(['warning primary-key-nullable']);
    expect(ruled(await lint(after('ALTER TABLE orders ALTER COLUMN n SET NOT NULL', index, key), { transactions: 'auto' }))).toEqual([]);
  });

  test('a column added and dropped by the same file', async () => {
    expect(ruled(await lint(after('ALTER TABLE orders DROP COLUMN n')))).toEqual(['warning drop-column']);
    expect(ruled(await lint(after('ALTER TABLE orders ADD COLUMN x int; ALTER TABLE orders DROP COLUMN x')))).not.toContain(
      'warning drop-column',
    );
  });

  test('a new value of an enum used in its transaction', async () => {
    const sql = `ALTER TYPE mood ADD VALUE 'glad'; UPDATE feelings SET name = 'glad' WHERE id = 1`;
    expect(ruled(await lint(after(sql)))).toEqual(['error enum-value-in-transaction']);
    // A column that is known to be of another type takes it for a text.
    expect(ruled(await lint(after(sql.replace('feelings', 'orders'))))).toEqual([]);
  });

  test('a table that is young, small or large', async () => {
    const short = ['CREATE TABLE t (a int)', 'ALTER TABLE t ALTER a SET NOT NULL'];
    expect(ruled(await lint(short))).toEqual(['error set-not-null']);
    const young = [...OLD.slice(1), ...short];
    expect(ruled(await lint(young))).toEqual(['warning set-not-null']);
    expect(ruled(await lint(young, { sizes: { t: { rows: 5e8, bytes: 5e10 } } }))).toEqual(['error set-not-null']);
    expect(ruled(await lint(after('ALTER TABLE orders ALTER n SET NOT NULL'), { sizes: { orders: { rows: 100, bytes: 8192 } } }))).toEqual([
      'warning set-not-null',
    ]);
    expect(
      ruled(
        await lint(after('DROP INDEX i; UPDATE orders SET n = 1'), {
          sizes: { orders: { rows: 5e8, bytes: 5e10 } },
          transactions: 'statement',
        }),
      ),
    ).toContain('error update-all');
  });

  test.each([
    ['CREATE INDEX i ON orders (n)', 'create-index'],
    ['ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES other', 'add-foreign-key'],
    [
      'ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES other NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c',
      'validate-together',
    ],
  ] as const)('%s leaves readers alone: an error only where the table is known to be no small one', async (sql, rule) => {
    const severities = async (bytes?: number) =>
      ofRule(await lint(after(sql), bytes === undefined ? {} : { sizes: { orders: { rows: 1000, bytes } } }), rule).map(
        ({ severity }) => severity,
      );
    expect(await severities()).toEqual(['warning']);
    expect(await severities(5e6)).toEqual(['warning']);
    expect(await severities(5e7)).toEqual(['error']);
  });

  test.each([
    ['REINDEX TABLE orders', 'reindex'],
    ['ALTER TABLE orders ADD CONSTRAINT c UNIQUE (n)', 'add-unique'],
    ['ALTER TABLE orders ADD COLUMN o int DEFAULT 1 REFERENCES other', 'add-foreign-key'],
    ['ALTER TABLE orders ADD CONSTRAINT c CHECK (n > 0) NOT VALID; ALTER TABLE orders VALIDATE CONSTRAINT c', 'validate-together'],
  ] as const)('%s keeps readers out too: an error without a size', async (sql, rule) => {
    expect(ofRule(await lint(after(sql)), rule).map(({ severity }) => severity)).toEqual(['error']);
  });
});

describe('what other rules see', () => {
  test.each([
    ['CREATE TABLE r (id bigint PRIMARY KEY, o int REFERENCES orders (id))', 'reference-type'],
    ['CREATE TABLE r (id bigint PRIMARY KEY, o bigint REFERENCES orders (id))', 'unindexed-reference'],
    ['UPDATE orders SET n = 1', 'analyze-after'],
    ['ALTER TABLE orders ADD CHECK (n > 0) NOT VALID', 'new-constraint'],
    ['ALTER TABLE orders DROP COLUMN name, ADD COLUMN title text', 'looks-renamed'],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey', 'no-primary-key'],
    ['ALTER TABLE orders RENAME COLUMN n TO m', 'rename-column'],
    ['UPDATE orders SET n = 1, n = 2 WHERE id = 1', 'assigned-twice'],
    ['CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (n)', 'index-may-be-invalid'],
    ['TRUNCATE orders CASCADE', 'truncate-cascade'],
    ['DROP DATABASE shop', 'drop-database'],
    ['DROP FUNCTION f(int)', 'drop-object'],
    ['ALTER SCHEMA a RENAME TO b', 'set-schema'],
    ['CREATE DOMAIN d AS int CHECK (VALUE > 0)', 'domain-with-constraint'],
    [`SET lock_timeout = 0; ALTER TABLE orders ADD x int`, 'lock-timeout-long'],
    ['BEGIN; ALTER TABLE orders ADD x int; COMMIT', 'nested-transaction'],
    ['ALTER TABLE orders ADD x int; COMMIT; SELECT 1', 'managed-transaction'],
  ])('%s', async (sql, rule) => {
    expect(ruled(await lint(after(sql)), true).map((one) => one.split(' ')[1])).toContain(rule);
  });

  test.each([
    ['CREATE TABLE r (id bigint PRIMARY KEY, o bigint REFERENCES orders (id)); CREATE INDEX ON r (o)', 'unindexed-reference'],
    ['CREATE TABLE r (a int); ALTER TABLE r DROP COLUMN a; ALTER TABLE r ADD COLUMN b int', 'looks-renamed'],
    ['CREATE TYPE pair AS (a int); ALTER TYPE pair DROP ATTRIBUTE a; ALTER TYPE pair ADD ATTRIBUTE b int', 'looks-renamed'],
    ['ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders ADD PRIMARY KEY (id)', 'no-primary-key'],
    ['UPDATE orders SET n = 1; ANALYZE orders', 'analyze-after'],
    ['SET lock_timeout = 500; ALTER TABLE orders ADD x int', 'lock-timeout'],
  ])('but not in %s', async (sql, rule) => {
    expect(ruled(await lint(after(sql), { limited: false }), true).map((one) => one.split(' ')[1])).not.toContain(rule);
  });
});

test('a foreign key without an index is told once, and again only where an index has to do with it', async () => {
  const made = 'CREATE TABLE r (id bigint PRIMARY KEY, n int, o bigint REFERENCES orders (id))';
  const told = async (...later: readonly string[]) => ofRule(await lint([...after(made), ...later]), 'unindexed-reference').length;
  expect(await told()).toBe(1);
  expect(await told('ALTER TABLE r ADD COLUMN m int')).toBe(0);
  expect(await told('CREATE INDEX ON r (n)')).toBe(0);
  expect(await told('CREATE INDEX ON r (o) WHERE n = 1')).toBe(1);
  expect(await told('ALTER TABLE r ADD COLUMN m bigint REFERENCES orders (id)')).toBe(1);
});

describe('bodies', () => {
  test('a DO block is judged at its own lines', async () => {
    const [found] = ofRule(
      await lint(
        after(
          `DO $$\nBEGIN\n  IF true THEN\n    ALTER TABLE orders ALTER COLUMN n SET NOT NULL;\n  END IF;\n  EXECUTE 'CREATE INDEX i ON orders (n)';\nEND $$`,
        ),
      ),
      'set-not-null',
    );
    expect(found).toMatchObject({ line: 4, column: 24, severity: 'error' });
  });

  test('a body whose quotes are doubled is judged at its lines', async () => {
    const [found] = ofRule(await lint(after(`DO '\nBEGIN\n  PERFORM ''x'';\n  CREATE INDEX i ON orders (n);\nEND'`)), 'create-index');
    expect(found).toMatchObject({ line: 4, column: 1 });
  });

  test('so is SQL in EXECUTE, and what is put together is said to be hidden', async () => {
    const findings = await lint(
      after(`DO $$ BEGIN EXECUTE 'CREATE INDEX i ON orders (n)'; EXECUTE format('DROP TABLE %I', which); END $$`),
    );
    expect(ruled(findings)).toEqual(['warning hidden-sql', 'warning create-index']);
    expect(ofRule(findings, 'hidden-sql')).toMatchObject([{ certainty: 'unknown' }]);
  });

  test('a function counts less until something calls it', async () => {
    const made = `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE orders ALTER n SET NOT NULL; END $$`;
    expect(ruled(await lint(after(made)))).toEqual(['warning set-not-null']);
    expect(ruled(await lint(after(`${made}; SELECT f()`)))).toEqual(['error set-not-null']);
  });
});

describe('suppression', () => {
  test('with a reason it counts no more', async () => {
    const { verdict, findings } = await judge(
      after('-- slipway: allow create-index because "the table is empty"\nCREATE INDEX ON orders (n)'),
    );
    expect(verdict).toBe('pass');
    expect(ofRule(findings, 'create-index')).toMatchObject([{ allowed: 'the table is empty' }]);
  });

  test.each([
    ['-- slipway: allow create-index', 'needs a reason'],
    ['-- slipway: allow create-index because "  "', 'needs a reason'],
    ['-- slipway: allow creat-index because "x"', 'is no rule'],
    ['-- slipway: allow', 'write: '],
  ])('%s is refused', async (comment, message) => {
    const findings = await lint(after(`${comment}\nCREATE INDEX ON orders (n)`));
    expect(ruled(findings)).toContain('warning create-index');
    expect(ofRule(findings, 'suppression')).toMatchObject([{ severity: 'error', message: expect.stringContaining(message) }]);
  });

  test('it does not reach the next statement', async () => {
    expect(ruled(await lint(after('-- slipway: allow create-index because "x"\nSELECT 1;\nCREATE INDEX ON orders (n)')))).toEqual([
      'warning create-index',
    ]);
  });
});
