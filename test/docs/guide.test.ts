import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadBackfill } from '../../src/config/index.ts';
import {
  lintFiles,
  MEASURED,
  openAccess,
  planMigrations,
  runBackfill,
  traceFiles,
  type LintOptions,
  type SourceFile,
} from '../../src/database/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { effects } from '../database/support.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const GUIDE = readFileSync(path.join(ROOT, 'docs/guides/zero-downtime-migration.md'), 'utf8');
const OTHER = GUIDE.slice(GUIDE.indexOf('\n## Other changes'));

/** A file of a recipe: `-- contract: 20270201000100_drop_order_note.sql`, and what is below it. */
interface Recipe {
  readonly phase: string;
  readonly name: string;
  readonly sql: string;
}

type Block =
  | { readonly kind: 'sql'; readonly files: readonly Recipe[] }
  | { readonly kind: 'backfill'; readonly name: string; readonly yaml: string };

/** What the recipes tell to do, in their order. */
function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(sql|yaml)\n([\s\S]*?)^```/gm)].map(([, language, text = '']): Block => {
    if (language === 'sql') return { kind: 'sql', files: filesOf(text) };
    const [, name = ''] = /^# backfills\/(.+)\.yaml\n/.exec(text) ?? [];
    return { kind: 'backfill', name, yaml: text };
  });
}

function filesOf(text: string): readonly Recipe[] {
  return text
    .split(/^(?=-- [a-z]+: \S+\.sql$)/m)
    .map((part) => /^-- ([a-z]+): (\S+\.sql)\n([\s\S]*)$/.exec(part))
    .map((found) => ({ phase: found?.[1] ?? '', name: found?.[2] ?? '', sql: found?.[3] ?? '' }));
}

const BLOCKS = blocksOf(OTHER);
const FILES = BLOCKS.flatMap((block) => (block.kind === 'sql' ? block.files : []));
const [BASE] = FILES;
const source = ({ name, sql }: Pick<Recipe, 'name' | 'sql'>): SourceFile => ({
  name,
  text: sql,
  direction: 'up',
  transactions: 'auto',
  gaps: [],
});

/** Large tables: nothing is forgiven for being small. */
const OPTIONS: LintOptions = {
  version: MEASURED.newest,
  utc: true,
  sizes: new Map(['customers', 'orders'].map((table) => [table, { rows: 20_000_000, bytes: 4e9 }])),
};

describe('the short ways of the guide', () => {
  const rows = [...OTHER.matchAll(/^\| `([A-Z][^`]+)` \| (error|warning) `([a-z-]+)`/gm)];

  it('are those of a table', () => expect(rows.length).toBe(7));

  it.each(rows.map(([, sql = '', severity = '', rule = '']) => [sql, severity, rule]))('%s: %s %s', async (sql, severity, rule) => {
    const [, linted] = await lintFiles({
      files: [source(BASE as Recipe), source({ name: 'short.sql', sql })],
      options: OPTIONS,
      limited: true,
    });
    const found = linted?.findings
      .filter((finding) => finding.severity !== 'notice')
      .map((finding) => `${finding.severity} ${finding.rule}`);
    expect(found).toEqual([`${severity} ${rule}`]);
  });
});

describe('the recipes of the guide', () => {
  let server: TestPostgres;
  let folder = '';
  beforeAll(async () => {
    server = await startPostgres();
    folder = mkdtempSync(path.join(tmpdir(), 'slipway-guide-'));
    for (const name of ['migrations', 'backfills']) mkdirSync(path.join(folder, name));
    for (const { name, sql } of FILES) writeFileSync(path.join(folder, 'migrations', name), sql);
    for (const block of BLOCKS)
      if (block.kind === 'backfill') writeFileSync(path.join(folder, 'backfills', `${block.name}.yaml`), block.yaml);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are whole: each file has a phase and a name', () => {
    expect(FILES.length).toBeGreaterThan(12);
    expect(BLOCKS.filter(({ kind }) => kind === 'backfill').length).toBe(4);
    expect(FILES.filter(({ phase, name, sql }) => phase === '' || name === '' || sql.trim() === '')).toEqual([]);
  });

  it('pass lint, on tables of millions of rows', async () => {
    const linted = await lintFiles({ files: FILES.map(source), options: OPTIONS, limited: true });
    expect(linted.filter(({ verdict }) => verdict !== 'pass').map(({ name, findings }) => [name, findings])).toEqual([]);
    // What is dropped is remarked on, and what a reference of a new table locks; nothing else.
    const warnings = linted.slice(1).flatMap(({ findings }) => findings.filter(({ severity }) => severity === 'warning'));
    expect([...new Set(warnings.map(({ rule }) => rule))]).toEqual(['drop-column', 'reference-locks']);
  });

  it('are of the phase that they are said to be', async () => {
    const { files } = await planMigrations(null, { directory: path.join(folder, 'migrations'), shown: 'migrations' });
    expect(files.map(({ name, phase }) => `${phase}: ${name}.sql`)).toEqual(
      FILES.map(({ phase, name }) => `${phase === 'base' ? 'expand' : phase}: ${name}`),
    );
  });

  it('do on a server what lint says, and write no table anew', async () => {
    const traced = await traceFiles(openAccess(await server.create('traced')), FILES.map(source), systemClock);
    expect(traced.map(({ name, verdict, reason }) => [name, verdict, reason])).toEqual(FILES.map(({ name }) => [name, 'pass', '']));
    expect(traced.slice(1).flatMap(({ statements }) => statements.flatMap(({ rewrites }) => rewrites))).toEqual([]);
  });

  it('lead through, with rows, in the order of the guide', async () => {
    const access = openAccess(await server.create('walked'));
    for (const block of BLOCKS) {
      if (block.kind === 'sql') {
        for (const { sql } of block.files) await server.query('walked', sql.trim());
        if (block.files[0] === BASE)
          await server.query(
            'walked',
            `INSERT INTO customers (email, country, street, city) SELECT 'a' || n, nullif('c' || n % 3, 'c0'), 's' || n, 'x' FROM generate_series(1, 300) n;
             INSERT INTO orders (customer_id, reference, note, total) SELECT n, 'r' || n, nullif('n' || n % 2, 'n0'), n FROM generate_series(1, 300) n`,
          );
        continue;
      }
      const { definition } = await loadBackfill(folder, block.name);
      const result = await runBackfill({
        access,
        definition,
        folder,
        workers: 1,
        effects,
        onBatch: () => undefined,
        onProgress: () => undefined,
      });
      expect([block.name, result.verdict, result.reason]).toEqual([block.name, 'pass', expect.any(String) as string]);
      expect(result.changed).toBeGreaterThan(90);
    }
    expect(await server.query('walked', 'SELECT count(*)::int AS n, count(DISTINCT city)::int AS cities FROM addresses')).toEqual([
      { n: 300, cities: 1 },
    ]);
    expect(await server.query('walked', `SELECT count(*)::int AS n FROM customers WHERE country = 'unknown'`)).toEqual([{ n: 100 }]);
  });
});

/** What the guide shows of the shop is what the shop has. */
describe('the files of the guide', () => {
  const shop = (name: string): string => readFileSync(path.join(ROOT, 'examples/shop/versions', name), 'utf8');
  const walk = GUIDE.slice(0, GUIDE.indexOf('\n## Other changes'));
  const statements = [...walk.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, text = '']) => text.replace(/^-- \d\S+\n/, '').trim());

  it.each([
    ['2.1.0/migrations/20260501000000_customers_first_and_last_name.sql', 0],
    ['2.2.0/migrations/20260601000000_customers_name_may_be_left_out.sql', 1],
    ['2.5.0/migrations/20260801000000_drop_customers_name.sql', 2],
  ] as const)('%s', (name, index) => {
    const shown = statements[index]?.split('\n').filter((line) => line !== '...') ?? ['nothing is shown'];
    for (const line of shown) expect(shop(name)).toContain(line);
  });

  it.each([
    ['2.1.0/backfills/split-names.yaml', '# backfills/split-names.yaml\n'],
    ['2.2.0/contracts/customer-name.yaml', '# contracts/customer-name.yaml\n'],
  ])('%s', (name, heading) => {
    const shown = walk.slice(walk.indexOf(heading) + heading.length).split('\n```')[0] ?? '';
    expect(shown.split('\n').length).toBeGreaterThan(5);
    for (const line of shown.split('\n')) expect(shop(name)).toContain(line);
  });
});

/** What somebody types who does not want the demo to do it. */
describe('the shop, set up by hand', () => {
  const [setUp = '', more = ''] = [
    ...GUIDE.slice(GUIDE.indexOf('<details>'), GUIDE.indexOf('</details>')).matchAll(/^```sh\n([\s\S]*?)^```/gm),
  ].map(([, text]) => text);
  const overlays = ['base', ...[...GUIDE.matchAll(/\bnext (versions\/\d\.\d\.\d)/g)].map(([, name = '']) => name)];

  it('is what the demo works with: the versions so far in one repository, and what they need beside them', () => {
    const home = mkdtempSync(path.join(tmpdir(), 'slipway-by-hand-'));
    const by = { GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@localhost', GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@localhost' };
    const run = (command: string, cwd: string): string =>
      execFileSync('bash', ['-c', `set -eu\n${command}`], { cwd, env: { ...process.env, ...by, HOME: home }, encoding: 'utf8' });
    try {
      run(setUp, ROOT);
      const folder = path.join(home, 'shop');
      expect(run('git log --format=%s --reverse; git status --short', folder).trim().split('\n')).toEqual(
        ['base', 'versions/1.1.0', 'versions/2.0.0'].map((one) => `feat: ${one}`),
      );
      expect(
        run("node --input-type=module --eval \"await import('pg'); await import('@slipway/service')\" && node --test", folder),
      ).toContain('fail 0');
      expect(
        run(
          `${setUp.split('\n').find((line) => line.startsWith('SLIPWAY='))}\n${setUp.split('\n').find((line) => line.startsWith('slipway()'))}\nslipway --version`,
          ROOT,
        ),
      ).toMatch(/^\d/);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });

  it('names versions that are there, and asks the shop as its smoke checks do', () => {
    expect(overlays.length).toBeGreaterThan(4);
    for (const name of overlays) expect(existsSync(path.join(ROOT, 'examples/shop', name, 'package.json')), name).toBe(true);
    const config = readFileSync(path.join(ROOT, 'examples/shop/versions/2.0.0/slipway.yaml'), 'utf8');
    const [, at = ''] = /^listen: (\S+)/m.exec(config) ?? [];
    expect(config).toContain('POST /customers');
    expect(more).toContain(`http://${at}/customers`);
  });
});
