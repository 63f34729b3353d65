import { describe, expect, it } from 'vitest';
import { NAMES, TAKES_ALL, USES_NOTHING } from '../../../../test/database/old-shape/statements.ts';
import { parseSql } from '../../parser.ts';
import { columnUse, type ColumnTarget, type Use } from './column-use.ts';

/** customers(id, name, first_name) goes through; orders and people have a `name` too, payments has none. */
const target: ColumnTarget = {
  column: 'name',
  relations: [['public', 'customers']],
  columns: ['id', 'name', 'first_name'],
  namesakes: [
    ['public', 'orders'],
    ['public', 'people'],
  ],
};

async function useOf(sql: string): Promise<Use | null> {
  const parsed = await parseSql(sql);
  if (!parsed.ok) throw new Error(parsed.message);
  return columnUse(
    parsed.statements.map(({ kind, node }) => ({ [kind]: node })),
    target,
  );
}

describe('a statement uses a column', () => {
  it.each(NAMES)('by its name: %s', async (sql) => {
    expect(await useOf(sql)).toBe('names');
  });
  it.each(TAKES_ALL)('by taking all there are: %s', async (sql) => {
    expect(await useOf(sql)).toBe('takes all');
  });
  it.each(USES_NOTHING)('or does not: %s', async (sql) => {
    expect(await useOf(sql)).toBe(null);
  });

  it('does not overflow on a deep expression', async () => {
    const sql = `SELECT ${Array.from({ length: 800 }, () => 'id').join(' + ')} FROM customers WHERE name = ''`;
    expect(await useOf(sql)).toBe('names');
  });
});
