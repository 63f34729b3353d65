import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryRows, openAccess } from '../../src/database/index.ts';
import { openEmbedded } from '../../src/store/index.ts';
import { startPostgres, systemPostgres, type TestPostgres } from '../support/postgres.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** A database that cannot be used, or a migration that cannot be read, is found before anything is changed. */
describe('a release whose database', () => {
  let postgres: TestPostgres;
  let rig: SmallRig;
  let service: SmallService;
  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.create('standby');
    await postgres.create('newer');
    await postgres.query('postgres', 'ALTER DATABASE standby SET default_transaction_read_only = on');
    await demandPassword(postgres);
    rig = await makeSmallRig({
      variables: {
        DOWN: `postgresql://app:${SECRET}@127.0.0.1:${NOBODYS}/app`,
        STANDBY: postgres.url('standby'),
        NEWER: postgres.url('newer'),
        WRONG: postgres.url('standby').replace('slipway@', `app:${SECRET}@`),
      },
    });
    service = await rig.service('data');
    await service.commit('1.0.0', { config: { database: { embedded: 'data' }, ...NO_WRITES } });
    expectSaid(await service.slipway('release'), 0);
  }, 180_000);
  afterAll(async () => {
    await rig.close();
    await postgres.stop();
  }, 180_000);

  const cases = [
    {
      name: 'is down',
      variable: 'DOWN',
      says: ['database: ', '127.0.0.1:', 'Check database.url in slipway.yaml and that the server is up'],
    },
    { name: 'is read-only', variable: 'STANDBY', says: ['database: ', 'standby is read-only', 'Point database.url at the primary'] },
    {
      name: 'refuses the password',
      variable: 'WRONG',
      says: ['database: PostgreSQL refuses the password of user app', 'Correct the password in the variable that database.url refers to'],
    },
  ];
  it.each(cases)('$name', async ({ variable, says }) => {
    await service.commit('1.1.0', { config: { database: { url: `\${env:${variable}}` }, ...NO_WRITES }, files: { case: variable } });
    const ran = await service.slipway('release');
    expectSaid(ran, 10, 'preflight.checks', 'unchanged', ...says);
    expect(ran.said).not.toContain(SECRET);
    await expectUnharmed(service, '1.0.0');
  });

  it.skipIf(newestClient() === null || newestClient()! >= 18)('is newer than the pg_dump of this machine', async () => {
    const database = { url: '${env:NEWER}', backup: 'pg_dump', migrations: 'newer' };
    const files = { 'newer/1_people.sql': 'create table people (id int);\n' };
    await service.commit('1.1.4', { config: { database, ...NO_WRITES }, files });
    const words = [/backup: pg_dump \d+ is older than the server \(PostgreSQL 18\)/, 'apt-get install postgresql-client-18'];
    expectSaid(await service.slipway('release'), 10, 'preflight.checks', 'unchanged', ...words);
    await expectUnharmed(service, '1.0.0');
  });

  it('is down is not said to have nothing pending, nor that going back would lose nothing', async () => {
    const files = { 'migrations/20260101000000_people.sql': 'create table people (id int);\n' };
    const database = { url: '${env:DOWN}', migrations: 'migrations' };
    await service.commit('1.1.1', { config: { database, ...NO_WRITES }, files });
    const ran = await service.slipway('plan');
    const words = ['UNKNOWN: which migrations are pending is not known', 'Point of no return: UNKNOWN', 'blocked by database, migrations'];
    expectSaid(ran, 6, ...words, /database\s+.*127\.0\.0\.1/);
    for (const claim of ['0 migrations', 'No point of no return', 'never loses']) expect(ran.said).not.toContain(claim);
    const { plan } = JSON.parse((await service.slipway('plan', '--json')).stdout) as {
      readonly plan: {
        readonly rollback: { readonly unknown?: string };
        readonly steps: readonly { readonly id: string; readonly input: { readonly expect?: unknown } }[];
      };
    };
    expect(plan.rollback.unknown).toContain('which migrations are pending is not known');
    expect(plan.steps.find(({ id }) => id === 'migrate.apply')?.input.expect).toBeNull();
    // What only slipway.yaml has to tell is known all the same.
    await service.commit('1.1.2', { config: { database: { url: '${env:DOWN}', migrate: 'node migrate.js' }, ...NO_WRITES } });
    expectSaid(await service.slipway('plan'), 6, 'Point of no return: deploy.switch');
    await service.commit('1.1.3', { config: { database: { url: '${env:DOWN}' }, ...NO_WRITES } });
    expectSaid(await service.slipway('plan'), 6, 'No point of no return');
  });

  it('would get a migration that is no SQL', async () => {
    const files = {
      'migrations/20260101000000_people.sql': 'create table people (id int);\n',
      'migrations/20260102000000_pets.sql': '-- pets\n\ncreate table pets (id int);\ncreat index on pets (id);\n',
    };
    await service.commit('1.2.0', { config: { database: { embedded: 'data', migrations: 'migrations' }, ...NO_WRITES }, files });
    expectSaid(await service.slipway('release'), 10, '20260102000000_pets.sql:4', 'syntax error', 'unchanged');
    const embedded = await openEmbedded({ home: rig.home });
    const tables = await queryRows(
      openAccess(embedded.url('data')),
      "select 1 from pg_tables where tablename in ('people', 'pets')",
      5_000,
    );
    expect(tables).toEqual([]);
    await expectUnharmed(service, '1.0.0');
  });
});

describe('a hotfix after a rollback that left its migration behind', () => {
  let rig: SmallRig;
  beforeAll(async () => {
    rig = await makeSmallRig();
  });
  afterAll(() => rig.close(), 180_000);

  it('is stopped, and goes on when a person says why', async () => {
    const service = await rig.service('hotfix');
    const database = { embedded: 'hotfix', migrations: 'migrations' };
    const first = { 'migrations/1_people.sql': 'create table people (id int);\n' };
    await service.commit('1.0.0', { config: { database, ...NO_WRITES }, files: first });
    expectSaid(await service.slipway('release'), 0);

    const broken = { smoke: { ...NO_WRITES.smoke, read: [{ http: 'GET /', status: 418 }] } };
    await service.commit('1.1.0', { config: { database, ...broken }, files: { 'migrations/2_pets.sql': 'create table pets (id int);\n' } });
    expectSaid(await service.slipway('release'), 11, 'rolled-back');

    await rm(join(service.folder, 'migrations/2_pets.sql'));
    const own = { 'migrations/3_hot.sql': 'create table hot (id int);\n' };
    await service.commit('1.0.1', { config: { database, ...NO_WRITES }, files: own });
    expectSaid(await service.slipway('release'), 10, '2_pets was applied by release', 'say so with --skip preflight.migrations=REASON');
    expectSaid(await service.slipway('release', '--skip', 'preflight.migrations=a hotfix of 1.0.0'), 0, '1 migration applied: 3_hot');
    await expectUnharmed(service, '1.0.1');
  }, 240_000);
});

const NO_WRITES = { smoke: { read: ['GET /'], write: { none: 'the service keeps nothing' }, within: '1s' } };
const SECRET = 'hunter2-not-shown';
/** A port of the system's own (tcpmux), where nothing listens and no test is given one. */
const NOBODYS = 1;

/** From now on the role `app` needs a password, and none is right. */
async function demandPassword(postgres: TestPostgres): Promise<void> {
  await postgres.query('postgres', 'CREATE ROLE app LOGIN');
  const [row] = await postgres.query('postgres', "SELECT current_setting('hba_file') AS file");
  const file = String(row?.['file']);
  const rules = await readFile(file, 'utf8');
  await writeFile(file, `local all app scram-sha-256\n${rules}`);
  await postgres.query('postgres', 'SELECT pg_reload_conf()');
}

/** Major version of the newest pg_dump installed; null without one. */
function newestClient(): number | null {
  const folder = systemPostgres();
  if (folder === null) return null;
  const said = execFileSync(join(folder, 'pg_dump'), ['--version'], { encoding: 'utf8' });
  return Number(/\d+/.exec(said)?.[0]);
}
