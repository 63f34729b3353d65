import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  columnShape,
  lookAtShapes,
  openAccess,
  relationShape,
  type DatabaseAccess,
  type OutOfTheWay,
} from '../../../src/database/index.ts';
import { outOfTheWay } from '../../../src/database/core/old-shape/replaced.ts';
import { parseSql } from '../../../src/database/parser.ts';
import { startPostgres, systemPostgres, type TestPostgres } from '../../support/postgres.ts';
import { NAMES, TAKES_ALL, USES_NOTHING } from './statements.ts';

const NOTHING: OutOfTheWay = { dropped: [], replaced: [] };
const NAME = columnShape(['customers'], 'name', 'drop');
const TABLES = `CREATE TABLE customers (id int PRIMARY KEY, name text UNIQUE, first_name text);
  CREATE TABLE orders (id int PRIMARY KEY, name text); CREATE TABLE people (id int, name text); CREATE SCHEMA billing; CREATE TABLE billing.customers (id int, name text)`;

let server: TestPostgres;
let number = 0;
beforeAll(async () => {
  server = await startPostgres({ settings: ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.max=1000'] });
});
afterAll(() => server.stop());

interface Place {
  readonly access: DatabaseAccess;
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>;
}

async function place(extension = true): Promise<Place> {
  number += 1;
  const access = openAccess(await server.create(`readers${number}`));
  const query = (sql: string) => server.query(access.name, sql);
  await query(TABLES);
  if (extension) await query('CREATE EXTENSION pg_stat_statements');
  return { access, query };
}

const look = ({ access }: Place, away = NOTHING) => lookAtShapes(access, { shapes: [NAME], away, queries: [], remember: true });

async function away(sql: string): Promise<OutOfTheWay> {
  const parsed = await parseSql(sql);
  if (!parsed.ok) throw new Error(parsed.message);
  return outOfTheWay(parsed.statements);
}

describe('PostgreSQL has the last word', () => {
  it('fails what uses the column by name once it is gone, and nothing else', async () => {
    const { query } = await place(false);
    const works = async (sql: string): Promise<boolean> => {
      // COPY, DDL and the like cannot be prepared.
      const tried = /^(COPY|CREATE|EXPLAIN|DECLARE|PREPARE)/.test(sql) ? `BEGIN; ${sql}; ROLLBACK` : `PREPARE tried AS ${sql}`;
      if (/STDOUT|STDIN/.test(sql)) return true;
      return query(tried).then(
        () => true,
        () => false,
      );
    };
    // One after the other: each is a connection.
    const failing = async (statements: readonly string[]): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const sql of statements) if (!(await works(sql))) found.push(sql);
      return found;
    };
    expect(await failing([...NAMES, ...TAKES_ALL, ...USES_NOTHING])).toEqual([]);
    await query('ALTER TABLE customers DROP COLUMN name');
    const natural = NAMES.filter((sql) => !/NATURAL|STDOUT|STDIN/.test(sql));
    expect(await failing(natural)).toEqual(natural);
    expect(await failing(USES_NOTHING)).toEqual([]);
  });
});

describe('counted statements', () => {
  it('are told with the calls since they were first seen, and forget nothing when asked again', async () => {
    const at = await place();
    await at.query(`SELECT name FROM customers WHERE id = 7`);
    await at.query(`SELECT o.name FROM orders o JOIN customers c ON c.id = o.id`);
    const first = await look(at);
    expect(first.statements).toMatchObject({ ok: true, value: { hidden: 0, evictedAt: null } });
    const uses = async () => {
      const { statements } = await look(at);
      return statements.ok ? statements.value.uses : [];
    };
    expect(await uses()).toMatchObject([
      { text: 'SELECT name FROM customers WHERE id = $1', use: 'names', calls: 1, watched: { movedAt: null } },
    ]);
    await at.query(`SELECT name FROM customers WHERE id = 8`);
    const [moved] = await uses();
    expect(moved).toMatchObject({ calls: 2, watched: { value: 2, movedAt: expect.any(Number) as number } });
    // While an old version runs nothing is kept: the first look after it is the first.
    await lookAtShapes(at.access, { shapes: [NAME], away: NOTHING, queries: [], remember: false });
    expect(await uses()).toMatchObject([{ calls: 2, watched: { movedAt: null } }]);
    // One that comes later was not called before.
    await at.query(`UPDATE customers SET name = 'x'`);
    expect(await uses()).toMatchObject([
      { calls: 2, watched: { movedAt: null } },
      { text: 'UPDATE customers SET name = $1', watched: { movedAt: expect.any(Number) as number } },
    ]);
  });

  it('cannot be told without the extension, nor by a user who may not see them', async () => {
    const without = await place(false);
    expect((await look(without)).statements).toMatchObject({
      ok: false,
      fix: expect.stringContaining('CREATE EXTENSION pg_stat_statements') as string,
    });
    const at = await place();
    await at.query('SELECT name FROM customers');
    await at.query(`CREATE ROLE reader${number} LOGIN; GRANT USAGE ON SCHEMA public TO reader${number}`);
    const access = openAccess(at.access.url.replace('slipway@', `reader${number}@`));
    const { statements } = await lookAtShapes(access, { shapes: [NAME], away: NOTHING, queries: [], remember: true });
    expect(statements).toMatchObject({ ok: false, reason: expect.stringContaining('may not keep anything') as string });
    await at.query(`GRANT CREATE ON DATABASE ${at.access.name} TO reader${number}`);
    const hidden = (await lookAtShapes(access, { shapes: [NAME], away: NOTHING, queries: [], remember: true })).statements;
    expect(hidden.ok && hidden.value.hidden).toBeGreaterThan(0);
  });

  it('that were forgotten, or whose counters were reset, begin anew', async () => {
    const at = await place();
    await at.query('SELECT name FROM customers');
    await look(at);
    await server.query('postgres', `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`);
    await at.query('SELECT pg_stat_statements_reset()');
    const { statements } = await look(at);
    const resetAt = Number((await at.query('SELECT extract(epoch FROM stats_reset) * 1000 AS at FROM pg_stat_statements_info'))[0]?.['at']);
    expect(statements).toMatchObject({ ok: true, value: { uses: [], since: expect.closeTo(resetAt, -1) as number } });
  });
});

describe('dependants', () => {
  it('that take a row of the table, or keep one, cannot be read', async () => {
    const at = await place(false);
    await at.query(`CREATE FUNCTION shown(c customers) RETURNS text LANGUAGE sql AS 'SELECT c.name';
      CREATE FUNCTION kept() RETURNS text LANGUAGE plpgsql AS $$ DECLARE r customers; BEGIN SELECT * INTO r FROM orders; RETURN r.name; END $$;
      CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM customers'`);
    expect((await look(at)).dependants.map(({ what, use }) => `${what}: ${use}`)).toEqual([
      'function kept(): unreadable',
      'function shown(customers): unreadable',
    ]);
  });

  const names = async (at: Place, pending?: string) =>
    (await look(at, pending === undefined ? NOTHING : await away(pending))).dependants.map(({ what, use }) => `${what}: ${use}`);

  it('are whatever PostgreSQL knows of', async () => {
    const at = await place(false);
    await at.query(`CREATE VIEW full_names AS SELECT c.name FROM customers c; CREATE MATERIALIZED VIEW kept AS SELECT name FROM customers;
      CREATE VIEW ids AS SELECT id FROM customers; CREATE TABLE refers (name text REFERENCES customers (name));
      CREATE POLICY own ON customers USING (name = current_user); CREATE INDEX by_name ON customers (lower(name));
      CREATE FUNCTION atomic() RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT name FROM customers LIMIT 1; END;
      ALTER TABLE customers ADD shout text GENERATED ALWAYS AS (upper(name)) STORED; CREATE PUBLICATION p FOR TABLE customers (id, name);`);
    const found = await names(at);
    expect(found).toEqual(
      expect.arrayContaining([
        'view full_names: names',
        'materialized view kept: names',
        'constraint refers_name_fkey on table refers: names',
        'policy own on table customers: names',
        'function atomic(): names',
        'publication of table customers in publication p: names',
      ]) as string[],
    );
    expect(found.some((one) => one.includes('shout'))).toBe(true);
    expect(found.some((one) => one.includes('ids') || one.includes('by_name'))).toBe(false);
    const left = await names(at, `DROP VIEW full_names; DROP MATERIALIZED VIEW kept; DROP POLICY own ON customers; DROP FUNCTION atomic()`);
    expect(left.filter((one) => /full_names|kept|own|atomic/.test(one))).toEqual([]);
    expect(await names(at, `CREATE OR REPLACE VIEW full_names AS SELECT first_name AS name FROM customers`)).not.toContain(
      'view full_names: names',
    );
    expect(await names(at, `CREATE OR REPLACE VIEW full_names AS SELECT name FROM customers WHERE id > 1`)).toContain(
      'view full_names: names',
    );
  });

  it('are those of partitions and heirs too, which lose a column with their table', async () => {
    const { access, query } = await place(false);
    await query(`CREATE TABLE days (id int, day date, note text) PARTITION BY RANGE (day);
      CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01'); CREATE VIEW notes AS SELECT note FROM days_1;
      CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
      CREATE TRIGGER seen AFTER UPDATE OF note ON days FOR EACH ROW EXECUTE FUNCTION seen();
      CREATE TABLE heir (extra int) INHERITS (people); CREATE VIEW heirs AS SELECT name FROM heir;`);
    const told = async (shapes: Parameters<typeof lookAtShapes>[1]['shapes'], gone = NOTHING) =>
      (await lookAtShapes(access, { shapes, away: gone, queries: [], remember: false })).dependants.map(({ what }) => what);
    const note = [columnShape(['days'], 'note', 'drop')];
    expect(await told(note)).toEqual(['trigger seen on table days', 'view notes']);
    expect(await told(note, await away('DROP TRIGGER seen ON days; DROP VIEW notes'))).toEqual([]);
    await expect(query('ALTER TABLE days DROP COLUMN note')).rejects.toThrow(/depend/);
    expect(await told([columnShape(['people'], 'name', 'drop')])).toEqual(['view heirs']);
    expect(await told([relationShape(['days'])])).toEqual(['view notes']);
    expect(await told([relationShape(['people'])])).toEqual(['table heir']);
  });

  it('are functions whose bodies name it, which PostgreSQL does not know of', async () => {
    const at = await place(false);
    await at.query(`CREATE FUNCTION keep_both() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.first_name := split_part(NEW.name, ' ', 1); RETURN NEW; END $$;
      CREATE TRIGGER keep_both BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION keep_both();
      CREATE FUNCTION greet(int) RETURNS text LANGUAGE plpgsql AS $$ DECLARE n text; BEGIN SELECT c.name INTO n FROM customers c WHERE id = $1; RETURN n; END $$;
      CREATE FUNCTION plain() RETURNS SETOF text LANGUAGE sql AS $$ SELECT name FROM customers $$;
      CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT name FROM ' || quote_ident('customers'); END $$;
      CREATE FUNCTION innocent() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM customers WHERE first_name IS NULL); END $$;
      CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'x'; RETURN NEW; END $$;
      CREATE TRIGGER other BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION other();`);
    expect(await names(at)).toEqual([
      'function greet(integer): names',
      'function hidden(): unreadable',
      'function keep_both(): names',
      'function plain(): names',
    ]);
    expect(await names(at, 'DROP TRIGGER keep_both ON customers; DROP FUNCTION keep_both()')).not.toContain('function keep_both(): names');
    expect(await names(at, 'DROP TRIGGER keep_both ON customers')).not.toContain('function keep_both(): names');
    expect(
      await names(at, 'CREATE OR REPLACE FUNCTION plain() RETURNS SETOF text LANGUAGE sql AS $$ SELECT first_name FROM customers $$'),
    ).not.toContain('function plain(): names');
  });
});

describe('the rest', () => {
  it('tells of sessions whose they are, of queries which use it, and of what is not there', async () => {
    const at = await place(false);
    const queries = [
      { name: 'one', text: 'SELECT name FROM customers' },
      { name: 'two', text: 'SELECT first_name FROM customers' },
    ];
    const gone = columnShape(['customers'], 'nickname', 'drop');
    const found = await lookAtShapes(at.access, {
      shapes: [NAME, gone, relationShape(['nowhere'])],
      away: NOTHING,
      queries,
      remember: true,
    });
    expect(found.queries).toEqual([{ name: 'one', use: 'names' }]);
    expect(found.missing.map(({ told }) => told)).toEqual(['customers.nickname', 'table nowhere']);
    expect(found.sessions).toEqual([]);
  });
});

describe.skipIf(systemPostgres() === null)('an older server (needs one: apt-get install postgresql)', () => {
  it('is asked alike, and its pg_dump is no reader', async () => {
    const older = await startPostgres({ version: 'system', settings: ['shared_preload_libraries=pg_stat_statements'] });
    try {
      const access = openAccess(await older.create('old'));
      const query = (sql: string) => older.query('old', sql);
      await query(
        `${TABLES}; ALTER TABLE customers ADD shout text GENERATED ALWAYS AS (upper(first_name)) STORED; CREATE EXTENSION pg_stat_statements`,
      );
      execFileSync(join(systemPostgres() ?? '', 'pg_dump'), ['--file=/dev/null', '--table=customers', access.url]);
      await query('SELECT name FROM orders');
      const { statements } = await lookAtShapes(access, { shapes: [NAME], away: NOTHING, queries: [], remember: true });
      expect(statements).toMatchObject({ ok: true, value: { uses: [] } });
      const dumps = await query(`SELECT query FROM pg_stat_statements WHERE query LIKE 'COPY public.customers%'`);
      expect(dumps).toEqual([{ query: 'COPY public.customers (id, name, first_name) TO stdout' }]);
    } finally {
      await older.stop();
    }
  });
});

describe('a column that must be given from now on', () => {
  it('is missed by whoever writes rows without it, and read by nobody', async () => {
    const at = await place();
    const given = { ...columnShape(['customers'], 'first_name', 'narrow'), mustBeGiven: true } as const;
    const leaving = [
      `INSERT INTO customers (id) VALUES (1)`,
      `INSERT INTO customers (id, name) SELECT 2, 'b'`,
      `INSERT INTO customers DEFAULT VALUES`,
    ];
    const giving = [
      `INSERT INTO customers (id, first_name) VALUES (3, 'c')`,
      `INSERT INTO customers VALUES (4, 'd', 'D')`,
      `SELECT first_name FROM customers`,
      `INSERT INTO people (id) VALUES (1)`,
    ];
    const queries = [...leaving, ...giving].map((text) => ({ name: text, text }));
    const used = async () => (await lookAtShapes(at.access, { shapes: [given], away: NOTHING, queries, remember: true })).queries;
    expect(await used()).toEqual(leaving.map((name) => ({ name, use: 'leaves out' })));
    // The server says the same.
    await at.query(
      'ALTER TABLE customers ALTER first_name SET NOT NULL, DROP CONSTRAINT customers_pkey; ALTER TABLE customers ALTER id DROP NOT NULL',
    );
    const codes = await Promise.all(
      [...leaving, ...giving].map((sql) =>
        at.query(sql).then(
          () => 'ok',
          (error: { readonly code: string }) => error.code,
        ),
      ),
    );
    expect(codes).toEqual([...leaving.map(() => '23502'), ...giving.map(() => 'ok')]);
    await at.query(`CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.first_name := 'x'; RETURN NEW; END $$;
      CREATE TRIGGER fill BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION fill()`);
    expect((await used()).map(({ use }) => use)).toEqual(leaving.map(() => 'may leave out'));
    await at.query(`ALTER TABLE customers ALTER first_name SET DEFAULT ''`);
    expect(await used()).toEqual([]);
  });
});
