import { readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccess, queryRows } from '../../src/database/index.ts';
import { openEmbedded } from '../../src/store/index.ts';
import { makeSmallRig, type Change, type Ran, type SmallRig, type SmallService } from './support/small-service.ts';

const ROOT = fileURLToPath(new URL('../../package.json', import.meta.url));

/** Reads and writes people, and says as its answer what the database refused. */
const server = (columns: string): string => `
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
const { Pool } = createRequire(${JSON.stringify(ROOT)})('pg');
const pool = new Pool({ connectionString: process.env.DATABASE_URL });
pool.on('error', () => undefined);
const answers = {
  'GET /health': async () => ({ status: 'ok', version: process.env.SLIPWAY_VERSION }),
  'GET /': async () => ({ version: process.env.SLIPWAY_VERSION }),
  'GET /people': async () => (await pool.query('SELECT ${columns} FROM people')).rows,
  'POST /people': async () => (await pool.query("INSERT INTO people (name) VALUES ('Zoe') RETURNING id")).rows[0],
};
createServer(async (request, response) => {
  const [, id] = /^\\/people\\/(\\d+)$/.exec(request.url) ?? [];
  try {
    const answer = id ? await pool.query('DELETE FROM people WHERE id = $1', [id]) : await answers[request.method + ' ' + request.url]();
    response.end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(500).end(JSON.stringify({ error: error.message }));
  }
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const config = {
  database: { embedded: 'people', migrations: 'migrations', sample: 'sample.sql', backup: { none: 'a test' } },
  smoke: { read: ['GET /people'], write: [{ http: 'POST /people', cleanup: 'DELETE /people/{id}' }], within: '1s' },
};
const web = { run: 'node server.js', health: { path: '/health', interval: '200ms' }, 'stop-grace': '500ms' };
const base = { 'migrations/1_people.sql': 'CREATE TABLE people (id serial PRIMARY KEY, name text, code text)' };

interface ProofDocument {
  readonly verdict: string;
  readonly cells: readonly {
    readonly version: string;
    readonly part: string;
    readonly schema: string;
    readonly verdict: string;
    readonly cause: string;
    readonly required: boolean;
    readonly runsOn: string | null;
  }[];
  readonly schemas: readonly { readonly schema: string; readonly sameAs: string | null; readonly reason: string }[];
  readonly removed: readonly string[];
  readonly remarks: readonly string[];
  readonly evidence: { readonly file: string; readonly sha256: string };
}

let rig: SmallRig;
let shop: SmallService;

beforeAll(async () => {
  rig = await makeSmallRig();
  shop = await rig.service('shop');
  await shop.commit('1.0.0', {
    config,
    files: {
      ...base,
      'server.js': server('id, name, code'),
      'sample.sql': `INSERT INTO people (name, code) VALUES ('Ann', 'a'), ('Bob', 'b');`,
    },
  });
  const released = await shop.slipway('release');
  if (released.exit !== 0) throw new Error(released.said);
});
afterAll(() => rig.close());

async function shadows(): Promise<readonly string[]> {
  const { url } = await openEmbedded({ home: rig.home });
  const rows = await queryRows(openAccess(url('postgres')), `SELECT datname FROM pg_database WHERE datname LIKE 'slipway_shadow_%'`, 5_000);
  return rows.map(({ datname }) => String(datname));
}

async function prove(version: string, change: Change, ...args: readonly string[]): Promise<Ran & { readonly proof: ProofDocument }> {
  await shop.commit(version, { ...change, config: { ...config, ...change.config } });
  const ran = await shop.slipway('db', 'prove', '--json', ...args);
  expect(ran.stdout, ran.said).not.toBe('');
  return { ...ran, proof: JSON.parse(ran.stdout) as ProofDocument };
}

const verdicts = ({ cells }: ProofDocument): Readonly<Record<string, string>> =>
  Object.fromEntries(cells.map(({ version, schema, verdict }) => [`${version} ${schema}`, verdict]));

describe('slipway db prove', () => {
  it('passes a change that both versions live with, on sample data, with evidence, and leaves nothing', async () => {
    const { exit, proof, said } = await prove('1.1.0', {
      // Without a smoke, its query set answers for it.
      config: { smoke: null, database: { ...config.database, queries: 'queries' } },
      files: {
        'migrations/2_age.sql': 'ALTER TABLE people ADD COLUMN age int',
        'queries/reporting/report.sql': 'SELECT count(code) FROM people',
        'queries/people.sql': `SELECT age FROM people; INSERT INTO people (name, age) VALUES ('Zoe', 7)`,
        'server.js': server('id, name, code, age'),
      },
    });
    expect(exit, said).toBe(0);
    expect(verdicts(proof)).toMatchObject({ 'old old': 'pass', 'old expanded': 'pass', 'new expanded': 'pass', 'new backfilled': 'pass' });
    expect(proof.schemas.map(({ sameAs }) => sameAs)).toEqual([null, null, 'expanded', 'expanded']);
    expect(proof.cells.filter(({ part }) => part === 'consumer reporting')).toMatchObject([
      { version: 'new', schema: 'expanded', required: true, verdict: 'pass', statements: { asked: 1, plain: 1 } },
      { version: 'new', schema: 'backfilled', verdict: 'pass' },
      { version: 'new', schema: 'contracted', verdict: 'pass' },
    ]);
    const digest = createHash('sha256').update(await readFile(proof.evidence.file));
    expect(digest.digest('hex')).toBe(proof.evidence.sha256);
    const verified = await shop.slipway('evidence', 'verify', dirname(proof.evidence.file));
    expect(verified.exit, verified.said).toBe(0);
    expect(verified.said).toContain('this proof is what was signed');
    expect(await shadows()).toEqual([]);
  });

  it('tells with its own answer that the old version does not live without what it reads, and tries every schema there is', async () => {
    const { exit, proof, said } = await prove('1.2.0', {
      files: {
        'backfills/age.yaml': 'table: people\nwhere: age IS NULL\nset: { age: "7" }\n',
        'migrations/3_drop.sql': 'ALTER TABLE people ALTER age SET NOT NULL, ALTER age SET DEFAULT 7, DROP COLUMN code',
        'server.js': server('id, name, age'),
        'sample.sql': `INSERT INTO people (name, age) VALUES ('Ann', 7)`,
      },
    });
    expect(exit, said).toBe(0);
    expect(proof.schemas.map(({ sameAs }) => sameAs)).toEqual([null, null, null, null]);
    expect(proof.schemas[2]?.reason).toBe('the backfill age changed 2 rows');
    expect(verdicts(proof)).toEqual({
      'old old': 'pass',
      'old expanded': 'pass',
      'old backfilled': 'pass',
      'old contracted': 'fail',
      'new expanded': 'pass',
      'new backfilled': 'pass',
      'new contracted': 'pass',
    });
    expect(proof.cells.find(({ version, schema }) => version === 'old' && schema === 'contracted')).toMatchObject({
      required: false,
      cause: expect.stringContaining('GET /people answered 500, expected 200: {"error":"column \\"code\\" does not exist"}') as string,
    });
    expect(proof.remarks).toEqual([expect.stringContaining('a release now would apply 3_drop while the old version runs')]);
  });

  it('knows nothing of a version without checks, nor of one that never asked its database, and removes what a killed run left', async () => {
    await rm(join(shop.folder, 'backfills'), { recursive: true });
    await shop.commit('1.2.1', { config: { ...config, smoke: { read: ['GET /'], write: { none: 'a test' } } } });
    await shop.commit('1.3.0', {
      config: { ...config, smoke: null, processes: { web, clock: { run: 'sleep 60', health: { alive: '100ms' } } } },
    });
    const killed = await shop.slipwayWith({ SLIPWAY_FAULT_AT: 'prove.started' }, 'db', 'prove', '--from', 'HEAD~1');
    expect(killed.exit, killed.said).toBe(null);
    const left = await shadows();
    expect(left).toContainEqual(expect.stringMatching(/_old_svc_old$/));
    const { exit, stdout, said } = await shop.slipway('db', 'prove', '--from', 'HEAD~1', '--json');
    expect(exit, said).toBe(6);
    const proof = JSON.parse(stdout) as ProofDocument;
    expect(proof.removed.toSorted()).toEqual(left.toSorted());
    expect(proof.cells.filter(({ version, schema }) => version === 'new' && schema === 'expanded')).toMatchObject([
      { part: 'service', verdict: 'unknown', cause: expect.stringContaining('no read check is declared') as string },
      { part: 'workers', verdict: 'unknown', cause: 'worker checks: no check of background work is declared' },
    ]);
    expect(proof).toMatchObject({ verdict: 'unknown', old: { told: '--from HEAD~1', version: '1.2.1' } });
    expect(proof.cells[0]).toMatchObject({
      schema: 'old',
      verdict: 'unknown',
      cause: expect.stringContaining('never seen in its shadow database') as string,
    });
    expect(await shadows()).toEqual([]);
  });

  it('stops a release whose migration is not what its file says of it, before the database is touched', async () => {
    const lie = '-- slipway: rollback=app because "nobody reads it"\nALTER TABLE people DROP COLUMN code';
    await rm(join(shop.folder, 'migrations/3_drop.sql'));
    await shop.commit('1.4.0', {
      config: { ...config, database: { ...config.database, prove: 'required' } },
      files: { 'migrations/3_lie.sql': lie },
    });
    const { exit, said } = await shop.slipway('release', '--worker', 'here', '--skip', 'preflight.contract=what is proven is asked here');
    expect(exit, said).toBe(10);
    expect(said).toContain('old service on contracted: GET /people: GET /people answered 500');
    expect(await shop.served()).toBe('1.0.0');
    const { url } = await openEmbedded({ home: rig.home });
    expect(await queryRows(openAccess(url('people')), 'SELECT code FROM people LIMIT 0', 5_000)).toEqual([]);
    expect(await shadows()).toEqual([]);
  });

  it('asks what the tests of a version were seen to send, with their values', async () => {
    await rm(join(shop.folder, 'migrations/3_lie.sql'));
    const tested = { ...config, smoke: null, test: 'node tests.mjs', database: { ...config.database, queries: 'queries' } };
    const tests = `import { createRequire } from 'node:module';
const { Client } = createRequire(${JSON.stringify(ROOT)})('pg');
const client = new Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query('INSERT INTO people (name, code) VALUES ($1, $2)', ['Eve', null]);
await client.query('SELECT name FROM people WHERE code = $1', ['a']);
await client.end();`;
    await shop.commit('1.4.1', { config: tested, files: { 'tests.mjs': tests, 'queries/people.sql': 'SELECT 1 FROM people' } });
    const captured = await shop.slipway('db', 'capture', '--tests', '--json');
    expect(captured.exit, captured.said).toBe(0);
    expect(JSON.parse(captured.stdout)).toMatchObject({ verdict: 'pass', statements: 2, writes: 1 });
    const file = await readFile(join(shop.folder, 'queries/tests.sql'), 'utf8');
    expect(file).toContain('-- values: ["Eve",null]\nINSERT INTO people (name, code) VALUES ($1, $2);');
    await shop.commit('1.4.2', { config: tested });
    const strict = 'ALTER TABLE people ADD CHECK (code IS NOT NULL) NOT VALID';
    const { proof, said } = await prove('1.4.3', { config: tested, files: { 'migrations/4_strict.sql': strict } }, '--from', 'HEAD~1');
    expect(
      proof.cells.find(({ version, schema }) => version === 'old' && schema === 'contracted'),
      said,
    ).toMatchObject({
      verdict: 'fail',
      cause: expect.stringContaining('[23514]') as string,
    });
    expect(proof.cells[0]).toMatchObject({ statements: { asked: 3, recorded: 2, sampled: 0, plain: 1 } });
    expect(await shadows()).toEqual([]);
    await rm(join(shop.folder, 'migrations/4_strict.sql'));
  });

  it('says which files do not follow the schema, and a release that asks for it stops there', async () => {
    const surfaces = { files: ['schema.prisma'], required: true };
    await shop.commit('1.4.4', {
      config: { ...config, database: { ...config.database, surfaces } },
      files: { 'schema.prisma': 'model Person {\n  id Int @id\n  name String?\n  code Int?\n  age Int?\n\n  @@map("people")\n}\n' },
    });
    const wrong = 'people.code is text, the file says int';
    const asked = await shop.slipway('db', 'surfaces', '--json');
    expect(asked.exit, asked.said).toBe(6);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      verdict: 'fail',
      surfaces: [{ file: 'schema.prisma', kind: 'prisma', differences: [{ line: 4, what: wrong, weight: 'wrong' }] }],
    });
    const { exit, said } = await shop.slipway('release', '--worker', 'here');
    expect(exit, said).toBe(10);
    expect(said).toContain(`schema.prisma: ${wrong}`);
    expect(await shop.served()).toBe('1.0.0');
    expect(await shadows()).toEqual([]);
  });

  it('stops a release whose migrations the linter refuses by what the database holds, where that is asked for', async () => {
    await shop.commit('1.4.5', {
      config: { ...config, database: { ...config.database, lint: 'required' } },
      files: { 'migrations/4_again.sql': 'ALTER TABLE people ADD COLUMN code text' },
    });
    const { exit, said } = await shop.slipway('release', '--worker', 'here');
    expect(exit, said).toBe(10);
    expect(said).toMatch(/test\.lint failed: 1 of \d pending migrations are not known to be safe; 4_again\.sql:1 already-there/);
    expect(await shop.served()).toBe('1.0.0');
    await rm(join(shop.folder, 'migrations/4_again.sql'));
  });

  it('wants both versions to work on what is switched: a name that goes, or that both can use', async () => {
    const renamed = 'ALTER TABLE people RENAME TO persons';
    const change = (sql: string): Change => ({ files: { 'migrations/4_rename.sql': sql, 'server.js': server('id, name, code') } });
    const cut = await prove('1.4.6', change(renamed));
    expect(cut.exit, cut.said).toBe(6);
    expect(cut.proof.schemas.map(({ schema }) => schema)).toEqual(['old', 'expanded', 'backfilled', 'switched', 'contracted']);
    expect(cut.proof.cells.filter(({ verdict, runsOn, schema }) => verdict !== 'pass' && runsOn === schema)).toMatchObject([
      { version: 'old', schema: 'switched', required: true },
      { version: 'new', schema: 'switched', required: true },
    ]);
    expect(cut.proof.remarks[0]).toContain(
      '4_rename is applied while the old version runs, which does not work on that: keep both ways open',
    );
    const both = await prove('1.4.7', change(`${renamed}; CREATE VIEW people AS SELECT * FROM persons`));
    expect(both.exit, both.said).toBe(0);
    await rm(join(shop.folder, 'migrations/4_rename.sql'));
  });

  it('leaves nothing either where it cannot go on', async () => {
    await shop.commit('1.5.0', { config: { ...config, database: { ...config.database, queries: 'nowhere' } } });
    const { exit, said } = await shop.slipway('db', 'prove');
    expect(exit, said).toBe(3);
    expect(said).toContain('The folder of queries nowhere of 1.5.0 cannot be read');
    expect(await shadows()).toEqual([]);
  });
});
