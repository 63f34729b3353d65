import { describe, expect, test } from 'vitest';
import { judge, ruled } from './support.ts';

/** What is found in a block that runs this, long after the tables were made. */
async function executed(execute: string) {
  const made = ['CREATE TABLE orders (id bigint, n int); CREATE TABLE events (at date) PARTITION BY RANGE (at)'];
  const block = `DO $do$ DECLARE a text; r record; BEGIN SELECT current_user INTO a; EXECUTE ${execute}; END $do$`;
  const { verdict, findings } = await judge([...made, ...Array.from({ length: 11 }, () => ''), block]);
  return { verdict, rules: ruled(findings), messages: findings.map(({ message }) => message) };
}

describe('SQL of which a part is known only when it runs', () => {
  test.each<readonly [string, readonly string[]]>([
    [`'GRANT SELECT ON ALL TABLES IN SCHEMA public TO ' || a || ',' || lower(r.name)`, []],
    [`'CREATE ROLE ' || quote_ident(a) || ' LOGIN'`, ['warning beyond-database']],
    [`format('COMMENT ON TABLE %I IS %L', a, r.what)`, []],
    [`format('SELECT count(*) FROM %I WHERE at < %L', a, now())`, []],
    [`format('CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)', 'events_' || a, r.x, r.y)`, ['warning partition-of']],
    [`format('CREATE INDEX %s_idx ON orders (n)', a)`, ['warning create-index']],
    [`'ALTER TABLE orders DROP CONSTRAINT ' || r.conname`, []],
    [`format('ALTER TABLE orders ALTER COLUMN %I SET NOT NULL', a)`, ['error set-not-null']],
    [`format('UPDATE orders SET n = %s', r.n)`, ['warning update-all']],
  ])('does not matter: %s', async (execute, rules) => {
    const found = await executed(execute);
    expect({ rules: found.rules, unknown: found.verdict === 'unknown' }).toEqual({ rules, unknown: false });
  });

  test.each([
    'a',
    `'DROP TABLE ' || a`,
    `format('ALTER TABLE %I ADD COLUMN x int', a)`,
    `format('ALTER TABLE %I.orders ADD COLUMN x int', a)`,
    `format('ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (n) REFERENCES %I', a)`,
    `format('ALTER TABLE orders ALTER COLUMN n TYPE %s', a)`,
    `format('ALTER TABLE orders RENAME TO %I', a)`,
    `format('CREATE TABLE x PARTITION OF %I DEFAULT', a)`,
    `format('CREATE TABLE x (LIKE %I)', a)`,
    `format('INSERT INTO orders SELECT * FROM %I', a)`,
    `'SELECT ' || a`,
    `format('SELECT %I()', a)`,
    `'ALTER TABLE orders ' || a`,
    `'GRANT ' || a`,
    `'TRUNCATE ' || a`,
    `'GRANT SELECT ON orders TO x; DROP TABLE ' || a`,
    `CASE WHEN a = '' THEN 'SELECT 1' ELSE a END`,
  ])('matters: %s', async (execute) => {
    const found = await executed(execute);
    expect(found).toMatchObject({ verdict: 'unknown', rules: ['warning hidden-sql'] });
  });

  test('is shown by its name', async () => {
    const { messages } = await executed(`format('ALTER TABLE orders ALTER COLUMN %I SET NOT NULL', r.Column_Name)`);
    expect(messages.join()).toContain('orders.⟨column_name⟩ refuses NULL');
  });
});
