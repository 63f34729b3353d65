import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAccess, queryRows } from '../../src/database/index.ts';
import { openEmbedded } from '../../src/store/index.ts';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, type Change, type Ran, type SmallRig, type SmallService } from './support/small-service.ts';

const PEM_LINES = ['MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj', 'AgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4', 'sQ8Xk3='];
const PEM = ['-----BEGIN PRIVATE KEY-----', ...PEM_LINES, '-----END PRIVATE KEY-----'];

/** Known by value: they stand in the variables file, and nothing in their shape gives them away. */
const VALUES = {
  SHOP_PASSWORD: 'Plant.(ed)+$1 [value]',
  /** Overlaps the one before. */
  SHOP_TOKEN: '$1 [value] and more',
  /** A name that says nothing; hidden because slipway.yaml refers to it. */
  GREETING: 'plain-looking-greeting',
  /** The password of a URL, met without its URL. */
  UPSTREAM_URL: 'https://shop:upstream-pass%2Fword@upstream.internal/',
  SIGNING_KEY: PEM.join('\n'),
};

/** Known by their shape: nobody told Slipway about them. */
const SHAPES = {
  url: 'shaped-url-password',
  bearer: 'shapedBearerToken0123456789',
  token: `ghp_${'shaped'.repeat(6)}`,
  email: 'planted.person@example.com',
  pem: 'MIIshapedshapedshapedshapedshapedshapedshaped',
};

/** Printed when a log holds a secret already while its command runs: a worker killed then would leave it behind. */
const BEFORE_ITS_END = 'a secret is in the log of a command that runs';

/** Everything that must not be met anywhere, in the forms it was printed in. */
const FORBIDDEN = [
  VALUES.SHOP_PASSWORD,
  encodeURIComponent(VALUES.SHOP_PASSWORD),
  Buffer.from(VALUES.SHOP_PASSWORD).toString('base64'),
  'and more',
  BEFORE_ITS_END,
  VALUES.GREETING,
  'upstream-pass%2Fword',
  'upstream-pass/word',
  ...PEM_LINES,
  ...Object.values(SHAPES),
];

/** Prints every secret it can reach, in pieces and in other clothes, and what must survive beside them. */
const TATTLE = `
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
const env = Object.fromEntries(JSON.parse(readFileSync(new URL('./secrets.json', import.meta.url), 'utf8')));
export async function tattle(write) {
  write('from the command line: ' + process.argv.slice(2).join(' ') + '\\n');
  write('the value ' + env.SHOP_PASSWORD + ' twice ' + env.SHOP_PASSWORD + env.SHOP_PASSWORD + '\\n');
  write('q=' + encodeURIComponent(env.SHOP_PASSWORD) + ' b=' + Buffer.from(env.SHOP_PASSWORD).toString('base64') + '\\n');
  write('overlapping ' + env.SHOP_PASSWORD.slice(0, -10) + env.SHOP_TOKEN + '\\n');
  for (const piece of ['in two ', env.SHOP_PASSWORD.slice(0, 7), env.SHOP_PASSWORD.slice(7) + '\\n']) {
    write(piece);
    await setTimeout(30);
  }
  write(env.GREETING + ' ' + env.SIGNING_KEY + '\\n');
  for (const line of env.SIGNING_KEY.split('\\n')) write('| ' + line + '\\n');
  write('password upstream-pass/word and upstream-pass%2Fword\\n');
  write('GET ' + env.UPSTREAM_URL + ' and postgres://app:${SHAPES.url}@db.internal/shop\\n');
  write('Authorization: Bearer ${SHAPES.bearer}\\n');
  write('${SHAPES.token} ${SHAPES.email}\\n');
  write('-----BEGIN RSA PRIVATE KEY-----\\n${SHAPES.pem}\\n-----END RSA PRIVATE KEY-----\\n');
  write('sha256:${'ab12'.repeat(16)} 01jd0q3w8x5m2v7k9r4t6y8z0a abc abcdef\\n');
}
`;

const LOUD_SERVER = `
import { createServer } from 'node:http';
import { tattle } from './tattle.js';
await tattle((text) => process.stdout.write(text));
await tattle((text) => process.stderr.write(text));
const version = process.env.SLIPWAY_VERSION;
createServer((request, response) => {
  if (request.url === '/leak') return response.end(JSON.stringify({ leak: 'Plant.(ed)+$1 [value] ${SHAPES.token}' }));
  response.end(JSON.stringify({ status: 'ok', version }));
}).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const LOUD_COMMAND = `
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tattle } from './tattle.js';
await tattle((text) => process.stdout.write(text));
await tattle((text) => process.stderr.write(text));
const steps = '../steps/';
const before = existsSync(steps) ? readdirSync(steps).filter((name) => name.endsWith('.command')) : [];
if (before.some((name) => readFileSync(steps + name, 'utf8').includes('(ed)+'))) console.log('${BEFORE_ITS_END}');
process.exit(Number(process.env.EXIT ?? 0));
`;

const FILES = {
  '.gitignore': '.env\n',
  'tattle.js': TATTLE,
  // The source of a service is the user's own; what it prints is what must be clean.
  'secrets.json': JSON.stringify(Object.entries(VALUES)),
  'server.js': LOUD_SERVER,
  'loud.js': LOUD_COMMAND,
};

const ENV_FILE = [
  `SHOP_PASSWORD='${VALUES.SHOP_PASSWORD}'`,
  `SHOP_TOKEN='${VALUES.SHOP_TOKEN}'`,
  `GREETING=${VALUES.GREETING}`,
  `UPSTREAM_URL=${VALUES.UPSTREAM_URL}`,
  `SIGNING_KEY="${VALUES.SIGNING_KEY.replaceAll('\n', String.raw`\n`)}"`,
  'SHORT_TOKEN=abc',
  '',
].join('\n');

const LOUD = { run: ['node', 'loud.js', '--token', '${env:SHOP_TOKEN}', '${env:GREETING}'], env: { KEY: '${env:SIGNING_KEY}' } };

const CONFIG = {
  'env-file': '.env',
  build: LOUD,
  database: { embedded: 'planted', migrations: 'migrations' },
  processes: { web: { ...LOUD, run: ['node', 'server.js', ...LOUD.run.slice(2)], health: '/health' } },
  smoke: { read: ['GET /', LOUD], write: { none: 'it only reads' }, within: '1s' },
};

/** What a bad version brings, and the exit code of its release. */
const BAD: Readonly<Record<string, readonly [exit: number, change: Change]>> = {
  'a test that fails': [10, { config: { test: { ...LOUD, env: { EXIT: '3' } } } }],
  'a migration that PostgreSQL refuses': [
    11,
    {
      files: {
        'migrations/0002_bad.sql': `insert into orders values (1, '${VALUES.SHOP_PASSWORD}');\ninsert into orders values (1, '${SHAPES.token} ${SHAPES.email}');\ndo $$ begin raise exception 'no % for %', '${VALUES.SHOP_PASSWORD}', 'postgres://app:${SHAPES.url}@db.internal/shop' using hint = '${VALUES.GREETING}'; end $$;\n`,
      },
    },
  ],
  'an answer that is not expected': [
    11,
    {
      files: { 'migrations/0002_bad.sql': 'select 1;\n' },
      config: {
        smoke: {
          read: [
            { http: 'GET /leak', json: { leak: 'nothing' } },
            { http: 'GET /', headers: { authorization: 'Bearer ${env:SHOP_PASSWORD}' }, json: { version: '${env:GREETING}' } },
            {
              sql: `select convert_from('\\x${Buffer.from(VALUES.SHOP_PASSWORD).toString('hex')}', 'utf8')::int as number`,
              expect: { number: 1 },
            },
            { ...LOUD, env: { EXIT: '1' } },
          ],
          write: { none: 'it only reads' },
          within: '1s',
        },
      },
    },
  ],
  'a process that ends at once': [11, { config: { processes: { web: { ...LOUD, env: { EXIT: '1' }, health: '/health' } } } }],
};

describe('planted secrets', () => {
  let rig: SmallRig;
  let service: SmallService;
  const said: string[] = [];
  /** Runs a command and keeps what it said for the search at the end. */
  const slipway = async (...args: readonly string[]): Promise<Ran> => {
    const ran = await service.slipway(...args);
    said.push(ran.said);
    return ran;
  };

  beforeAll(async () => {
    rig = await makeSmallRig({ variables: { SLIPWAY_LOG: 'debug' } });
    service = await rig.service('planted');
    await service.write({ '.env': ENV_FILE, 'migrations/0001_orders.sql': 'create table orders (id int primary key, note text);\n' });
  });
  afterAll(() => rig.close(), 180_000);

  it('in a release that goes well', async () => {
    await service.commit('1.0.0', { files: FILES, config: { ...CONFIG, test: LOUD, scan: LOUD } });
    await service.checkOut(`fix-${SHAPES.token}`);
    await slipway('plan');
    expectSaid(await slipway('release', '--skip', `observe=asked by ${SHAPES.email} with ${VALUES.SHOP_PASSWORD}`), 0);
  }, 180_000);

  it.each(Object.entries(BAD))(
    'in a release with %s',
    async (name, [exit, { config = {}, files = {} }]) => {
      await service.commit(`1.0.${1 + Object.keys(BAD).indexOf(name)}`, { config: { ...CONFIG, ...config }, files });
      expectSaid(await slipway('release'), exit);
      await slipway('show');
      await slipway('show', '--json');
    },
    180_000,
  );

  it('in slipway.yaml itself: refused, by the name of the variable', async () => {
    await service.commit('1.1.0', { config: { ...CONFIG, test: ['node', 'loud.js', VALUES.SHOP_PASSWORD] } });
    expectSaid(await slipway('release'), 2, 'slipway.yaml holds the value of the variable SHOP_PASSWORD', /Write \$\{env:SHOP_PASSWORD\}/);
    expect(await service.status()).toMatchObject({ serving: '1.0.0', locked: false });
  });

  it('are met nowhere afterwards', async () => {
    for (const command of ['list', 'status', 'watch', 'doctor']) await slipway(command);
    for (const step of ['build.artifact', 'test.run', 'migrate.apply', 'verify.smoke']) await slipway('show', '--log', step);
    const pack = join(rig.folder, 'exported');
    expectSaid(await slipway('evidence', 'export', '--out', pack), 0);
    const found = [
      ...said.map((text, index) => [`the terminal, command ${index + 1}`, text] as const),
      ...(await storedRows(rig.home)).map((text) => ['the store', text] as const),
      ...filesBelow(rig.home).map((file) => [file, readFileSync(file, 'latin1')] as const),
      ...filesBelow(pack).map((file) => [file, readFileSync(file, 'latin1')] as const),
    ];
    const leaks = found.flatMap(([where, text]) =>
      FORBIDDEN.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${where}`),
    );
    expect([...new Set(leaks)]).toEqual([]);
  }, 180_000);

  it('take nothing else with them', async () => {
    const { stdout } = await service.slipway('show', '--log', 'build.artifact');
    expect(stdout).toContain(`sha256:${'ab12'.repeat(16)} 01jd0q3w8x5m2v7k9r4t6y8z0a abc abcdef`);
    expect(stdout).toContain('the value [redacted] twice [redacted]');
  });
});

/** Everything Slipway wrote; the service's own files and PostgreSQL's are not its words. */
function filesBelow(folder: string): readonly string[] {
  const own = /\/(?:artifacts\/|store\/pg\/|releases\/[^/]+\/source\/|keys\/)/;
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !own.test(file));
}

/** Every row of every table of the store, the job queue's included. */
async function storedRows(home: string): Promise<readonly string[]> {
  const access = openAccess((await openEmbedded({ home })).url('slipway'));
  const tables = await queryRows(
    access,
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname like 'slipway%' or schemaname like 'pgboss%'",
    5_000,
  );
  const rows = await Promise.all(tables.map(({ name }) => queryRows(access, `select t::text as text from ${String(name)} t`, 5_000)));
  return rows.flat().map(({ text }) => String(text));
}
