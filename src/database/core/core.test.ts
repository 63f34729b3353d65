import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareMeasures } from './compare-measures.ts';
import { siblingName } from './database-name.ts';
import { compareHistory, type HistoryRow } from './drift.ts';
import { plainExpression } from './expression.ts';
import { compareNames, parseFileName } from './file-name.ts';
import { parseHeader } from './header.ts';
import { lineAt } from './position.ts';

const digest = fc.string({ minLength: 64, maxLength: 64, unit: fc.constantFrom('0', '1', '9', 'a', 'f') });
const purpose = fc.constantFrom('backup', 'verify', 'restore', 'failed');

describe('names of databases', () => {
  test('fit into PostgreSQL and never lose what tells them apart', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), purpose, digest, (source, what, hex) => {
        const name = siblingName(source, what, hex);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
        expect(name.endsWith(`_${what}_${hex.slice(0, 10)}`)).toBe(true);
        expect(name).not.toContain('\uFFFD');
      }),
    );
  });

  test('keep a name that is short enough', () => {
    expect(siblingName('shop', 'backup', 'abcdef0123456789')).toBe('shop_backup_abcdef0123');
  });
});

describe('names of migration files', () => {
  test.each([
    ['20261121093000_add_price.sql', '20261121093000_add_price', 'up'],
    ['0001_a.up.sql', '0001_a', 'up'],
    ['0001_a.down.sql', '0001_a', 'down'],
    ['1_a-b.sql', '1_a-b', 'up'],
  ])('%s', (file, name, direction) => {
    expect(parseFileName(file)).toEqual({ name, direction });
  });

  test.each(['add_price.sql', '1.sql', '1_.sql', '1_a.SQL', '1_a b.sql', "1_a'.sql", '1_a.sideways.sql', '1_a.sql.bak', 'V1__a.sql'])(
    '%s is refused',
    (file) => {
      expect(parseFileName(file)).toBeNull();
    },
  );

  test('are ordered by number whatever its width', () => {
    expect(['10_a', '9_b', '0010_b', '20261121093000_c', '1_z'].toSorted(compareNames)).toEqual([
      '1_z',
      '9_b',
      '0010_b',
      '10_a',
      '20261121093000_c',
    ]);
  });
});

describe('header', () => {
  test('is read from the leading comments only', () => {
    const header = parseHeader(
      '\n-- hello\r\n-- slipway: no-transaction\r\n-- slipway: rollback=app because "readers ignore it"\nSELECT 1;\n-- slipway: nonsense',
    );
    expect(header).toEqual({ transactional: false, rollback: { rollbackClass: 'app', because: 'readers ignore it' }, problems: [] });
  });

  test.each([
    ['-- slipway: no-transactoin', 'is not understood'],
    ['-- slipway: rollback=maybe because "x"', 'is not a rollback class'],
    ['-- slipway: rollback=app', 'needs a reason'],
    ['-- slipway: rollback=app because ""', 'needs a reason'],
  ])('%s: %s', (line, message) => {
    const { problems } = parseHeader(`-- first\n${line}\nSELECT 1`);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.line).toBe(2);
    expect(problems[0]?.message).toContain(message);
  });
});

describe('folder against history', () => {
  const row = (name: string, more: Partial<HistoryRow> = {}): HistoryRow => ({
    name,
    sha256: `sha-${name}`,
    by: 'release r1',
    direction: 'up',
    at: '',
    finished: true,
    statementsDone: 1,
    statements: 1,
    ...more,
  });
  const file = (name: string) => ({ name, sha256: `sha-${name}` });

  test('in step', () => {
    expect(compareHistory([file('1_a'), file('2_b')], [row('1_a')])).toEqual({ pending: [file('2_b')], drift: [], partial: null });
  });

  test('changed, gone and late files are drift', () => {
    const { drift, pending } = compareHistory([file('1_late'), { name: '2_b', sha256: 'other' }], [row('2_b'), row('3_gone')]);
    expect(drift).toHaveLength(3);
    expect(drift[0]).toContain('2_b was changed');
    expect(drift[1]).toContain('3_gone was applied by release r1 and is not in the folder');
    expect(drift[2]).toContain('1_late sorts before 3_gone');
    expect(pending).toEqual([file('1_late')]);
  });

  test('a partial file is pending, and a changed one no drift: resuming judges it', () => {
    const half = row('1_a', { finished: false, statementsDone: 1, statements: 3, sha256: 'old' });
    expect(compareHistory([file('1_a')], [half])).toEqual({ pending: [file('1_a')], drift: [], partial: half });
  });

  test('pending and applied files together are the folder', () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map((n) => `${n}_x`));
    fc.assert(
      fc.property(names, names, (inFolder, inHistory) => {
        const files = inFolder.map(file);
        const { pending, drift } = compareHistory(
          files,
          inHistory.map((name) => row(name)),
        );
        expect(pending.map((one) => one.name)).toEqual(inFolder.filter((name) => !inHistory.includes(name)));
        const late = pending.filter((one) => inHistory.some((name) => compareNames(one.name, name) < 0));
        const gone = inHistory.filter((name) => !inFolder.includes(name));
        expect(drift).toHaveLength(late.length + gone.length);
      }),
    );
  });
});

describe('expressions', () => {
  test('read alike before and after a dump and restore', () => {
    const before = `CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))`;
    const after = `CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))`;
    expect(plainExpression(before)).toBe(plainExpression(after));
  });

  test('keep what is between quotes', () => {
    expect(plainExpression("x = '(a::text  b)'")).toBe("x='(a::text  b)'");
    expect(plainExpression("x = 'it''s'")).not.toBe(plainExpression("x = 'its'"));
  });

  test('that differ stay different', () => {
    expect(plainExpression('CHECK ((n > 0))')).not.toBe(plainExpression('CHECK ((n > 1))'));
  });
});

describe('row counts', () => {
  const rows = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fc.nat(5));

  test('differ exactly when a count or a table does', () => {
    fc.assert(
      fc.property(rows, rows, (expected, found) => {
        const differences = compareMeasures({ rows: expected, schemaDigest: 'x' }, { rows: found, schemaDigest: 'x' });
        const same = Object.keys({ ...expected, ...found }).every((table) => expected[table] === found[table]);
        expect(differences.length === 0).toBe(same);
        expect(differences.length).toBeLessThanOrEqual(6);
      }),
    );
  });

  test('alike with another schema differ', () => {
    expect(compareMeasures({ rows: {}, schemaDigest: 'x' }, { rows: {}, schemaDigest: 'y' })).toEqual([
      expect.stringContaining('the schema differs') as string,
    ]);
  });
});

test('lines are counted in characters, as PostgreSQL counts', () => {
  expect(lineAt('é\n😀\nx', 4)).toBe(3);
  expect(lineAt('é\n😀\nx', 3, 10)).toBe(11);
});
