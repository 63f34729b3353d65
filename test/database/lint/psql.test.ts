import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAs } from '../../../src/database/core/lint/psql.ts';
import { lintFiles } from '../../../src/database/index.ts';
import { parseSql } from '../../../src/database/parser.ts';

type ReadsAs = Parameters<typeof readAs>[0];

/** The verdict of a file that is read so, and its findings about the file itself. */
async function judge(text: string, readsAs: ReadsAs, defines: Readonly<Record<string, string>> = {}) {
  const file = { name: '1.sql', text, direction: 'up', transactions: 'auto', gaps: [], readsAs } as const;
  const options = { version: 18, utc: null, sizes: new Map<string, never>() };
  const [one] = await lintFiles({ files: [file], options, limited: true, defines: new Map(Object.entries(defines)) });
  const rules = (one?.findings ?? []).filter(({ severity }) => severity !== 'notice');
  return {
    verdict: one?.verdict,
    rules: rules.map(({ rule, line, column }) => `${line}:${column} ${rule}`),
    messages: rules.filter(({ category }) => category === 'file').map(({ message }) => message),
  };
}

const DUMP = `CREATE TABLE t (a text);
COPY public.t (a) FROM stdin;
it's; "one" $$
ALTER TABLE t ADD CHECK (a <> '');
\\.
ALTER TABLE old ADD CHECK (a > 0);
`;

describe('what psql runs', () => {
  test('the data of COPY is no SQL, and what follows is judged in its place', async () => {
    expect(await judge(DUMP, 'psql')).toMatchObject({ verdict: 'fail', rules: ['6:21 add-check'] });
    expect(await judge(DUMP.replaceAll('\n', '\r\n'), 'psql')).toMatchObject({ rules: ['6:21 add-check'] });
    expect(await judge('COPY t FROM stdin;\n1\tALTER\n', 'psql')).toMatchObject({ verdict: 'pass', rules: [] });
  });

  test('it begins on the next line, for each COPY of a line in turn', async () => {
    const sql = `COPY a FROM stdin; /* ; */ COPY b FROM STDIN WITH (FORMAT csv) \\g\na;\n\\.\nb;\n\\.\nALTER TABLE old ADD CHECK (a > 0);`;
    expect(await judge(sql, 'psql')).toMatchObject({ verdict: 'fail', rules: ['6:21 add-check'] });
  });

  const READ: readonly (readonly [sql: string, rules: readonly string[]])[] = [
    [`\\set ON_ERROR_STOP on\n\\echo it's done\nSELECT 1;`, []],
    [`\\restrict abc\nSELECT 1\\g\nSELECT 2 \\gx (format=wrapped)\n\\pset x\n\\dt+ public.*\n\\unrestrict abc`, []],
    ['BEGIN \\; CREATE INDEX CONCURRENTLY i ON t (a) \\; COMMIT;', ['1:10 index-in-transaction']],
    [`\\copy t (a, b) FROM 'x.csv' CSV\n\\copy (SELECT a FROM t) TO 'y'\nSELECT 1;`, []],
    ['\\copy t from stdin\nALTER\n\\.\nALTER TABLE old ADD CHECK (a > 0);', ['4:21 add-check']],
    ['SELECT 1; \\q\nALTER TABEL', []],
    ['SELECT 1;\n\\quit\nALTER TABEL', []],
    [`\\set t old\n\\set s 'it''s' ' so'\nALTER TABLE :"t" ADD CHECK (a > :'s');`, ['3:23 add-check']],
    [`SELECT ':x', $$ :x \\x $$, "a:b", a::text, a[1:2], E'\\'\\\\' FROM t -- \\x`, []],
  ];
  test.each(READ)('%s', async (sql, rules) => {
    expect(await judge(sql, 'psql')).toMatchObject({ rules });
  });

  test('where nobody knows whether it is in a transaction, a COMMIT in code is a warning', async () => {
    expect(await judge('SELECT 1; DO $$ BEGIN COMMIT; END $$', 'psql')).toMatchObject({ verdict: 'pass', rules: ['1:11 refused-commit'] });
    expect(await judge('SELECT 1; DO $$ BEGIN COMMIT; END $$', 'sql')).toMatchObject({ verdict: 'fail' });
    expect(await judge('BEGIN; DO $$ BEGIN COMMIT; END $$; COMMIT', 'psql')).toMatchObject({ verdict: 'fail' });
  });

  const NOT_FOLLOWED: readonly (readonly [sql: string, message: string])[] = [
    ['\\connect other\nSELECT 1;', '"\\connect other": what follows runs in another session'],
    ['\\ir other.sql', '"\\ir other.sql": it runs another file, which was not judged here'],
    ['SELECT 1 \\gexec', '"\\gexec": it runs SQL that a query puts together'],
    ['\\if :x\nSELECT 1;\n\\endif', '"\\if :x": whether what stands between it and \\endif runs is not known'],
    ['\\! rm x', '"\\! rm x": it runs a program'],
    ['\\lo_import x', '"\\lo_import x": it is a command of psql that was not followed'],
    ['ALTER TABLE t OWNER TO :owner;', '":owner" is a variable of psql, not SQL; write its value, or give it with --define NAME=VALUE'],
    ['\\set owner `id -un`\nALTER TABLE t OWNER TO :owner;', '":owner" is a variable of psql'],
    ['SELECT 1 AS owner \\gset\nALTER TABLE t OWNER TO :owner;', '":owner" is a variable of psql'],
  ];
  test.each(NOT_FOLLOWED)('%s is unknown', async (sql, message) => {
    expect(await judge(sql, 'psql')).toMatchObject({ verdict: 'unknown', messages: [expect.stringContaining(message)] });
  });

  test('a value for a variable is given by --define', async () => {
    expect(await judge('ALTER TABLE t OWNER TO :owner;', 'psql', { owner: 'app' })).toMatchObject({ verdict: 'pass' });
  });
});

describe('what another tool runs', () => {
  test('is refused where only psql reads it, and the rest is judged', async () => {
    expect(await judge(DUMP, 'sql')).toMatchObject({ verdict: 'fail', rules: ['2:1 psql-only', '6:21 add-check'] });
    expect(await judge('COPY t FROM stdin;', 'sql')).toMatchObject({ verdict: 'fail', rules: ['1:1 psql-only'] });
    expect(await judge('SELECT 1;\n  \\echo x', 'sql')).toMatchObject({ verdict: 'fail', rules: ['2:3 psql-only'] });
    expect(await judge('ALTER TABLE t OWNER TO :owner', 'sql')).toMatchObject({ verdict: 'fail', rules: ['1:24 psql-only'] });
  });

  test('Flyway reads the data of COPY', async () => {
    expect(await judge(DUMP, 'data')).toMatchObject({ verdict: 'fail', rules: ['6:21 add-check'] });
    expect(await judge('\\echo x', 'data')).toMatchObject({ verdict: 'fail', rules: ['1:1 psql-only'] });
  });

  test('SQL of another database is no SQL for psql either', async () => {
    const sql = "CREATE TABLE `a` (b text DEFAULT 'it\\'s') ENGINE=InnoDB;";
    expect(await judge(sql, 'sql')).toMatchObject({ verdict: 'unknown', rules: ['1:14 not-sql'] });
  });
});

describe('the two readings', () => {
  const PIECES = [
    `SELECT 'a;b'`,
    `SELECT $x$ ; \\ $x$`,
    `SELECT "a;""b" FROM t`,
    `SELECT E'\\';' /* ; ' */`,
    'SELECT (1) -- ; "',
    'SELECT 1.5e3',
  ];
  const statements = fc.array(fc.constantFrom(...PIECES), { maxLength: 6 });
  const data = fc.array(fc.constantFrom(`it's`, '"', '$$', '\\N\t1', ';', 'SELECT', '/*', '--', 'naïve 🐘'), { maxLength: 5 });

  test('data leaves the statements around it as they are, on their lines', async () => {
    await fc.assert(
      fc.asyncProperty(statements, data, statements, async (before, lines, after) => {
        const text = [...before.map((one) => `${one}\n;`), 'COPY t FROM stdin;', ...lines, '\\.', ...after.map((one) => `${one}\n;`)].join(
          '\n',
        );
        const sent = readAs('psql', text, new Map());
        const parsed = await parseSql(sent.text);
        const of = (list: readonly string[], first: number) => list.map((one, index) => [first + 2 * index, one]);
        const copy = 2 * before.length + 1;
        expect(parsed.ok ? parsed.statements.map(({ line, text: own }) => [line, own.trim()]) : parsed).toEqual([
          ...of(before, 1),
          [copy, 'COPY t FROM stdin'],
          ...of(after, copy + lines.length + 2),
        ]);
      }),
    );
  });

  test('SQL alone is sent as it is, and never without an end', () => {
    const anything = fc.string({ unit: fc.constantFrom(...'aE\'"$;:()/*-\\\n .copyfromstdin'.split('')), maxLength: 60 });
    fc.assert(
      fc.property(anything, (text) => {
        expect(readAs('psql', text, new Map()).text.split('\n').length).toBe(text.split('\n').length);
      }),
    );
    fc.assert(
      fc.property(statements, (list) => {
        expect(readAs('sql', list.join(';\n'), new Map()).text).toBe(list.join(';\n'));
      }),
    );
  });
});
