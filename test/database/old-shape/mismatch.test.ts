import { describe, expect, it } from 'vitest';
import { sampleMismatch, type MismatchDefinition, type SampleBounds } from '../../../src/database/index.ts';
import { systemClock } from '../../../src/kernel/index.ts';
import { databaseWorld } from '../database-world.ts';

const world = databaseWorld();
const definition: MismatchDefinition = { table: 'people', key: null, where: `name IS DISTINCT FROM first || ' ' || last`, allow: 0 };

async function people(count: number, wrong: string): Promise<void> {
  await world.query(`CREATE TABLE people (id bigint PRIMARY KEY, name text, first text, last text);
    INSERT INTO people SELECT n, 'Ann ' || n, 'Ann', n FROM generate_series(1, ${count}) n; UPDATE people SET last = 'wrong' WHERE ${wrong}; ANALYZE people`);
}

const sample = (bounds: Partial<SampleBounds> = {}, more: Partial<MismatchDefinition> = {}) => {
  let drawn = 0;
  const random = () => (drawn += 0.137) % 1;
  return sampleMismatch(
    world.access(),
    { ...definition, ...more },
    { rows: 3_000, withinMs: 20_000, clock: systemClock, random, ...bounds },
  );
};

describe('rows in which both shapes disagree', () => {
  it('are all found in a small table, with their keys', async () => {
    await people(1_000, 'id IN (3, 500)');
    expect(await sample()).toMatchObject({
      rows: 1_000,
      mismatched: 2,
      complete: true,
      examples: expect.arrayContaining(['3', '500']) as string[],
    });
    expect(await sample({}, { where: 'false' })).toMatchObject({ rows: 1_000, mismatched: 0, examples: [] });
    // The second write is missing, and so `<>` is null.
    await world.query('UPDATE people SET last = NULL WHERE id <= 5');
    expect(await sample({}, { where: `people.name <> people.first || ' ' || people.last` })).toMatchObject({ mismatched: 1, undecided: 5 });
    await world.query('TRUNCATE people');
    expect(await sample()).toMatchObject({ rows: 0, mismatched: 0 });
  });

  it('are sampled in a large one: the newest rows for certain, the others by chance, all of them when asked', async () => {
    await people(60_000, 'id = 60000 OR id % 10 = 0 AND id < 50000');
    const found = await sample();
    expect(found.complete).toBe(false);
    expect(found.drawn.rows).toBeLessThan(found.rows);
    expect(found.drawn.rows).toBeGreaterThan(0);
    expect(found.rows).toBeGreaterThanOrEqual(3_000);
    expect(found.rows).toBeLessThan(20_000);
    expect(found.examples).toContain('60000');
    // A tenth of what was drawn, more or less: pages that were drawn twice count twice.
    expect(found.mismatched / found.rows).toBeGreaterThan(0.02);
    expect(found.mismatched / found.rows).toBeLessThan(0.2);
    expect(await sample({ rows: null })).toMatchObject({ rows: 60_000, mismatched: 5_000, complete: true });
    const aborted = await sample({ rows: 50_000, signal: AbortSignal.abort() });
    expect(aborted.rows).toBeLessThan(10_000);
  });

  it('are not looked for with what is no condition, fails for a row, writes, or has no table or key', async () => {
    await people(10, 'false');
    const refused = async (more: Partial<MismatchDefinition>) =>
      sample({}, more).then(
        () => null,
        (error: Error) => error.message,
      );
    expect(await refused({ where: 'true) OR (true' })).toContain('is not a condition');
    expect(await refused({ where: 'true; DROP TABLE people' })).toContain('is not a condition');
    expect(await refused({ where: 'nobody = 1' })).toContain('column "nobody" does not exist');
    const failing = await refused({ where: 'name::int = 1' });
    expect(failing).toContain('it fails for a row [22P02]');
    expect(failing).not.toContain('Ann');
    expect(await refused({ where: `pg_sleep(0) IS NULL AND (SELECT nextval('none')) IS NULL` })).toContain(
      'relation "none" does not exist',
    );
    expect(await refused({ table: 'nowhere' })).toContain('There is no table nowhere');
    await world.query('CREATE TABLE keyless (id int)');
    expect(await refused({ table: 'keyless', where: 'true' })).toContain('has no primary key');
    await world.query('CREATE SEQUENCE counted');
    expect(await refused({ where: `nextval('counted') > 0` })).toContain('read-only');
    expect(await world.query('SELECT count(*)::int AS rows FROM people')).toEqual([{ rows: 10 }]);
  });
});
