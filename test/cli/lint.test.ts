import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inProcess, scratch } from './support.ts';

const home = scratch();
afterAll(home.remove);
const bad = join(home.path, 'bad');
const good = join(home.path, 'good');

beforeAll(() => {
  mkdirSync(bad);
  mkdirSync(good);
  writeFileSync(join(bad, '0001_a.sql'), 'ALTER TABLE orders\n  ALTER COLUMN név SET NOT NULL;\n');
  writeFileSync(
    join(bad, '0002_b.sql'),
    `UPDATE orders SET a = '50%';\n-- slipway: allow add-check because "forty rows"\nALTER TABLE orders ADD CHECK (n > 0);\n`,
  );
  writeFileSync(join(good, '0001_a.sql'), 'CREATE TABLE t (id bigint PRIMARY KEY);\n');
});

interface Linted {
  readonly postgres: number;
  readonly postgresFrom: string;
  readonly measuredOn: number;
}

interface Run {
  readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
  readonly results: readonly {
    readonly ruleId: string;
    readonly ruleIndex: number;
    readonly locations: readonly { readonly physicalLocation: unknown }[];
    readonly suppressions?: unknown;
  }[];
}

describe('slipway db lint', () => {
  it('shows the line with a caret, why, and what to write instead', async () => {
    const ran = await inProcess(['-C', home.path, 'db', 'lint', 'bad']);
    expect(ran).toMatchObject({ exit: 6, err: '' });
    expect(ran.out).toContain('bad/0001_a.sql:2:3  error  set-not-null\n  2 |   ALTER COLUMN név SET NOT NULL;\n    |   ^\n');
    expect(ran.out).toContain('instead:\n    ALTER TABLE orders ADD CONSTRAINT');
    expect(ran.out).toContain(
      '2 files (sql, PostgreSQL 18 assumed: --postgres or --database says which): 1 pass, 1 fail, 0 unknown\n1 errors, 1 warnings',
    );
  });

  it('exits with 0 when every file passes', async () => {
    expect(await inProcess(['db', 'lint', good])).toMatchObject({ exit: 0, out: expect.stringContaining('PASS') });
  });

  it('without a folder and slipway.yaml finds the usual one, and asks which of several', async () => {
    const project = join(home.path, 'project');
    mkdirSync(join(project, 'prisma/migrations/0001_a'), { recursive: true });
    writeFileSync(join(project, 'prisma/migrations/0001_a/migration.sql'), 'CREATE TABLE t (id bigint PRIMARY KEY);\n');
    expect(await inProcess(['-C', project, 'db', 'lint'])).toMatchObject({ exit: 0, out: expect.stringContaining('(prisma, ') });
    mkdirSync(join(project, 'db/migrations'), { recursive: true });
    expect(await inProcess(['-C', project, 'db', 'lint'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('db/migrations, prisma/migrations'),
    });
    expect(await inProcess(['-C', bad, 'db', 'lint'])).toMatchObject({ exit: 2, err: expect.stringContaining('Name the folder') });
  });

  it('--since reports only what is new', async () => {
    expect(await inProcess(['db', 'lint', bad, '--since', '0002'])).toMatchObject({ exit: 0 });
    expect(await inProcess(['db', 'lint', bad, '--since', '0003'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('no such migration'),
    });
  });

  it('--json is one document with what was allowed and why', async () => {
    const { out } = await inProcess(['db', 'lint', bad, '--json', '--postgres', '15']);
    const document = JSON.parse(out) as { files: { findings: { rule: string }[] }[] };
    expect(document).toMatchObject({
      format: 'sql',
      postgres: 15,
      measuredOn: 15,
      verdict: 'fail',
      counts: { files: 2, fail: 1, error: 1, allowed: 1 },
    });
    expect(document.files[1]?.findings.find((one) => one.rule === 'add-check')).toMatchObject({
      allowed: 'forty rows',
      line: 3,
      column: 24,
    });
  });

  it('says for which version it judged, and who said so', async () => {
    const told = async (...args: readonly string[]): Promise<readonly unknown[]> => {
      const { postgres, postgresFrom, measuredOn } = JSON.parse((await inProcess(['db', 'lint', good, ...args, '--json'])).out) as Linted;
      return [postgres, postgresFrom, measuredOn];
    };
    expect(await told()).toEqual([18, 'assumed', 18]);
    expect(await told('--postgres', '14.3')).toEqual([14, 'given', 14]);
    expect(await told('--postgres', '21')).toEqual([21, 'given', 18]);
    expect((await inProcess(['db', 'lint', good, '--postgres', '21'])).out).toContain('PostgreSQL 21 as given, by what 18 does)');
  });

  it('--report sarif and github point at the same place', async () => {
    const { out: log } = await inProcess(['-C', home.path, 'db', 'lint', 'bad', '--report', 'sarif']);
    const run = (JSON.parse(log) as { runs: Run[] }).runs[0]!;
    const found = run.results.find((one) => one.ruleId === 'set-not-null')!;
    expect(run.tool.driver.rules[found.ruleIndex]?.id).toBe('set-not-null');
    expect(found.locations[0]?.physicalLocation).toEqual({
      artifactLocation: { uri: 'bad/0001_a.sql' },
      region: { startLine: 2, startColumn: 3 },
    });
    expect(run.results.filter((one) => one.suppressions !== undefined)).toMatchObject([
      { suppressions: [{ justification: 'forty rows' }] },
    ]);
    const { out } = await inProcess(['-C', home.path, 'db', 'lint', 'bad', '--report', 'github']);
    expect(out).toMatch(/^::error file=bad\/0001_a\.sql,line=2,col=3,title=slipway set-not-null::.+%0AInstead:%0A/m);
    expect(out).toContain("SET a = '50%25'%0AWHERE");
  });

  it('sizes lower what is dangerous only for large tables', async () => {
    writeFileSync(join(home.path, 'sizes.json'), '{"public.orders":{"rows":40,"bytes":8192}}');
    expect(await inProcess(['-C', home.path, 'db', 'lint', 'bad', '--statistics', 'sizes.json'])).toMatchObject({ exit: 0 });
    writeFileSync(join(home.path, 'sizes.json'), '{"orders":{"rows":"40"}}');
    expect(await inProcess(['-C', home.path, 'db', 'lint', 'bad', '--statistics', 'sizes.json'])).toMatchObject({
      exit: 2,
      err: expect.stringContaining('"orders" has no rows and bytes'),
    });
  });

  it('judges what another tool prints', async () => {
    const script = `process.stdout.write('BEGIN;\\nALTER TABLE t ALTER COLUMN c SET NOT NULL;\\nCOMMIT;\\n')`;
    const ran = await inProcess(['-C', home.path, 'db', 'lint', '-', '--', process.execPath, '-e', script]);
    expect(ran).toMatchObject({ exit: 6, out: expect.stringContaining(':2:15  error  set-not-null') });
    const failed = await inProcess([
      '-C',
      home.path,
      'db',
      'lint',
      '-',
      '--',
      process.execPath,
      '-e',
      'console.error("no settings"); process.exit(3)',
    ]);
    expect(failed).toMatchObject({ exit: 2, err: expect.stringContaining('no settings') });
    expect(await inProcess(['db', 'lint', '-', '--', 'no-such-command'])).toMatchObject({ exit: 26 });
    const noProgram = join(home.path, 'no-program');
    writeFileSync(noProgram, '');
    chmodSync(noProgram, 0o600);
    expect(await inProcess(['db', 'lint', '-', '--', noProgram])).toMatchObject({
      exit: 26,
      err: expect.stringContaining('was not found'),
    });
  });

  it.each(['', '-- nothing to do\n', 'BEGIN;\n/* none */\nCOMMIT;\n'])('knows nothing of what is no statement: %j', async (text) => {
    const print = ['-e', `process.stdout.write(${JSON.stringify(text)})`];
    const ran = await inProcess(['db', 'lint', '-', '--', process.execPath, ...print]);
    expect(ran).toMatchObject({ exit: 6, out: expect.stringContaining('there is no SQL in it') });
  });

  it('runs the command that slipway.yaml names to print it, when no folder is named', async () => {
    const folder = join(home.path, 'printing');
    mkdirSync(folder);
    const yaml = (words: string): string =>
      `service: shop\nlisten: 8080\nrun: node server.js\ndatabase: { embedded: shop, migrate: node migrate.js, print: ${words} }\n`;
    writeFileSync(join(folder, 'print.js'), `console.log('ALTER TABLE t ALTER COLUMN c SET NOT NULL;')`);
    writeFileSync(join(folder, 'slipway.yaml'), yaml(JSON.stringify([process.execPath, 'print.js'])));
    const printed = await inProcess(['-C', folder, 'db', 'lint']);
    expect(printed).toMatchObject({ exit: 6, out: expect.stringContaining(':1:15  error  set-not-null') });
    writeFileSync(join(folder, 'slipway.yaml'), yaml(JSON.stringify([process.execPath, 'no-such.js'])));
    expect(await inProcess(['-C', folder, 'db', 'lint'])).toMatchObject({ exit: 2, err: expect.stringContaining('failed with exit 1') });
  });

  it('takes the data of COPY as psql does, but not where Slipway applies the folder; --define gives variables values', async () => {
    const folder = join(home.path, 'dumped');
    mkdirSync(join(folder, 'sql'), { recursive: true });
    writeFileSync(join(folder, 'sql/20260101000000_a.sql'), 'ALTER TABLE t OWNER TO :owner;\nCOPY t FROM stdin;\n1\n\\.\n');
    expect(await inProcess(['-C', folder, 'db', 'lint', 'sql', '--define', 'owner=app'])).toMatchObject({ exit: 0 });
    expect(await inProcess(['-C', folder, 'db', 'lint', 'sql'])).toMatchObject({
      exit: 6,
      out: expect.stringContaining('is a variable of psql'),
    });
    writeFileSync(
      join(folder, 'slipway.yaml'),
      'service: shop\nlisten: 8080\nrun: node server.js\ndatabase: { embedded: shop, migrations: sql }\n',
    );
    const applied = await inProcess(['-C', folder, 'db', 'lint', '--define', 'owner=app']);
    expect(applied).toMatchObject({ exit: 6, out: expect.stringContaining(':2:1  error  psql-only') });
  });

  it.each([
    [['db', 'lint', '/no/such/folder'], 3, 'There is no folder or file'],
    [['db', 'lint', good, '--format', 'prisma'], 3, 'no migrations'],
    [['db', 'lint', good, '--postgres', '10'], 2, 'a whole number from 11'],
    [['db', 'lint', good, '--define', 'x'], 2, 'has no value'],
  ])('%j', async (args, exit, said) => {
    expect(await inProcess(args)).toMatchObject({ exit, out: '', err: expect.stringContaining(said) });
  });
});
