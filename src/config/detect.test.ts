import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { detectProject, type Detection } from './detect.ts';
import { parseConfig } from './parse.ts';
import { renderConfig } from './render.ts';

const made: string[] = [];
afterEach(() => Promise.all(made.splice(0).map((directory) => rm(directory, { recursive: true }))));

/** Detects a project of these files; whatever was found must render to a file that parses back to it. */
async function detect(files: Readonly<Record<string, string>>): Promise<Detection> {
  const directory = await mkdtemp(path.join(tmpdir(), 'slipway-detect-'));
  made.push(directory);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text);
  }
  const detection = await detectProject(directory);
  const text = renderConfig(detection);
  const definition = parseConfig(text, { file: 'slipway.yaml' });
  expect(text.startsWith('# yaml-language-server: $schema=')).toBe(detection.schemaInstalled);
  expect(definition.processes.map(({ name }) => name)).toEqual(detection.processes.map(({ name }) => name));
  expect(definition.listen?.port).toBe(detection.listen);
  expect(definition.database?.migrations ?? null).toBe(detection.database?.migrations ?? null);
  for (const unknown of detection.unknowns) expect(text).toContain(unknown);
  return detection;
}

const pkg = (json: object): string => JSON.stringify({ name: '@team/My_Shop', ...json });

it('names a schema only where an editor finds it', async () => {
  expect((await detect({})).schemaInstalled).toBe(false);
  expect((await detect({ 'node_modules/slipway/schema/slipway.schema.json': '{}' })).schemaInstalled).toBe(true);
});

describe('detectProject', () => {
  it('a Node service with a worker, PostgreSQL and SQL migrations', async () => {
    const found = await detect({
      'package.json': pkg({
        scripts: { start: 'node src/server.js', worker: 'node src/worker.js', test: 'vitest run', build: 'tsc' },
        dependencies: { pg: '8' },
        engines: { node: '>=22' },
      }),
      'package-lock.json': '{}',
      'src/server.js': "if (url === '/healthz') answer()",
      'migrations/001_a.sql': 'select 1',
      '.env': 'export DATABASE_URL=postgres://u:hunter2hunter2@h/d\nFOO=1\n# NO=1\n',
      '.git/HEAD': 'ref: refs/heads/main',
    });
    expect(found).toMatchObject({
      service: 'my-shop',
      processes: [
        { name: 'web', run: 'node src/server.js', health: '/healthz' },
        { name: 'worker', run: 'node src/worker.js', health: null },
      ],
      database: { variable: 'DATABASE_URL', migrations: 'migrations', migrate: null },
      build: ['sh', '-c', 'npm ci && npm run build'],
      test: 'npm test',
      envFile: '.env',
      envNames: ['DATABASE_URL', 'FOO'],
      git: true,
      nodeEngine: '>=22',
    });
    expect(JSON.stringify(found) + renderConfig(found)).not.toContain('hunter2');
    expect(found.unknowns).toEqual(['The port users reach is not named anywhere; 8080 is assumed (`listen`).']);
  });

  it('a compose file names processes, ports and health', async () => {
    const found = await detect({
      'docker-compose.yml': `services:
  api: { build: ., command: node api.js, ports: ["127.0.0.1:9090:3000/tcp"], healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:3000/ready"] } }
  Mail_Worker: { build: ., command: [node, worker.js, "a b"] }
  odd: { build: ., command: "sh run.sh | tee log" }
  db: { image: postgres:16 }
  cache: { image: redis }
`,
    });
    expect(found).toMatchObject({
      listen: 9090,
      processes: [
        { name: 'api', run: 'node api.js', health: '/ready' },
        { name: 'mail-worker', run: "node worker.js 'a b'" },
      ],
      database: { variable: 'DATABASE_URL', migrations: null },
    });
    expect(found.unknowns.join('\n')).toContain('"odd" could not be taken over');
  });

  it('a Procfile names processes, and what migrates before a release', async () => {
    const found = await detect({
      Procfile: [
        '# as foreman reads it',
        'web: gunicorn app:app --bind 0.0.0.0:$PORT',
        'worker: celery -A app worker',
        'odd: a | b',
        'release: python manage.py migrate',
        'no line',
      ].join('\n'),
      'package.json': pkg({ scripts: { start: 'node other.js', worker: 'node no.js' } }),
      '.env.example': 'DATABASE_URL=',
    });
    expect(found).toMatchObject({
      processes: [
        { name: 'web', run: 'gunicorn app:app --bind 0.0.0.0:${port}', health: '/health', from: 'Procfile' },
        { name: 'worker', run: 'celery -A app worker', health: null, from: 'Procfile' },
      ],
      database: { migrate: 'python manage.py migrate' },
      sources: ['package.json', 'Procfile'],
    });
    expect(found.unknowns.join('\n')).toContain('"odd" needs a shell');
    // A compose file names processes too, and more about them.
    const both = await detect({
      Procfile: 'web: node a.js',
      'compose.yaml': 'services: { api: { build: ., command: node api.js, ports: ["80:80"] } }',
    });
    expect(both.processes).toMatchObject([{ name: 'api', run: 'node api.js' }]);
  });

  it('a Dockerfile alone', async () => {
    const found = await detect({
      Dockerfile:
        'FROM a\nCMD x\nFROM b\nEXPOSE 5000/tcp\nHEALTHCHECK CMD curl http://localhost:5000/up\nCMD ["python", "-m", \\\n "app"]\n',
    });
    expect(found).toMatchObject({
      listen: 5000,
      processes: [{ run: 'python -m app', health: '/up', from: 'Dockerfile' }],
      database: null,
      build: null,
    });
  });

  it.each([
    ['prisma', { 'prisma/migrations/1/migration.sql': '' }, 'npx prisma migrate deploy'],
    ['drizzle', { 'drizzle.config.ts': '' }, 'npx drizzle-kit migrate'],
    [
      'prisma for another database',
      { 'prisma/migrations/1/migration.sql': '', 'prisma/migrations/migration_lock.toml': 'provider = "mysql"' },
      'npx prisma migrate deploy',
    ],
    ['knex', { 'knexfile.js': '' }, 'npx knex migrate:latest'],
  ])('%s migrations', async (_tool, files, migrate) =>
    expect(await detect({ 'package.json': pkg({}), ...files })).toMatchObject({ database: { migrate, migrations: null } }),
  );

  it.each([
    ['prisma/migrations', { 'prisma/migrations/1/migration.sql': '', 'prisma/migrations/migration_lock.toml': 'provider = "postgresql"' }],
    ['drizzle', { 'drizzle.config.ts': '', 'drizzle/meta/_journal.json': '{ "dialect": "postgresql" }' }],
  ])('%s, which Slipway applies as its tool does', async (migrations, files) =>
    expect(await detect({ 'package.json': pkg({}), ...files })).toMatchObject({ database: { migrations, migrate: null } }),
  );

  it('db/migrations, another database variable, and a migration tool it does not know', async () => {
    expect((await detect({ 'db/migrations/1.sql': '', '.env.example': 'POSTGRES_URL=' })).database).toEqual({
      variable: 'POSTGRES_URL',
      migrations: 'db/migrations',
      migrate: null,
    });
    expect((await detect({ 'migrations/1.py': '', '.env.example': 'DATABASE_URL=' })).unknowns.join('\n')).toContain(
      'migrations/ holds migrations of a tool',
    );
  });

  it('runs scripts that need a shell or a local binary through npm, and takes no secret over', async () => {
    for (const start of ['NODE_ENV=x node s.js', 'tsx src/s.ts', 'a && b', 'node s.js --password=hunter2hunter2']) {
      expect((await detect({ 'package.json': pkg({ scripts: { start } }) })).processes[0]?.run).toBe('npm run start');
    }
  });

  it.each<[name: string, files: Record<string, string>]>([
    ['nothing', {}],
    ['broken files', { 'package.json': '{', 'compose.yaml': 'a: [', Dockerfile: 'CMD [', '.env': '\0\0' }],
    [
      'wrong shapes',
      {
        'package.json': '{"name":5,"scripts":[1],"dependencies":"x","main":7,"engines":null}',
        'compose.yaml': 'services: [1]',
        Dockerfile: 'EXPOSE $PORT\nCMD [1]',
      },
    ],
    [
      'odd values',
      {
        'package.json': pkg({ name: '---', scripts: { start: 'node "a: b#c.js"' } }),
        'compose.yaml': 'services: { "0": { build: ., ports: [{ published: 99999 }] }, "x y": { build: ., command: "node \'# : {}\'" } }',
      },
    ],
    ['a lone alias', { 'compose.yaml': 'services: *x' }],
  ])('%s still gives a working file that says what is unknown', async (_name, files) =>
    expect((await detect(files)).unknowns.length).toBeGreaterThan(0),
  );
});
