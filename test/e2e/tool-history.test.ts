import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, type SmallRig, type SmallService } from './support/small-service.ts';

/** A project that has a migration tool releases with the tool's folder and the tool's history, forward and back. */
describe('a project with dbmate', () => {
  let postgres: TestPostgres;
  let rig: SmallRig;
  let service: SmallService;
  const config = {
    database: { url: '${env:SHOP}', migrations: 'db/migrations', backup: { none: 'a test' } },
    smoke: { read: ['GET /'], write: { none: 'the service keeps nothing' }, within: '1s' },
  };
  const applied = (): Promise<readonly unknown[]> => postgres.query('shop', 'SELECT version FROM schema_migrations ORDER BY version');

  beforeAll(async () => {
    postgres = await startPostgres();
    await postgres.create('shop');
    // What the tool itself did before there was Slipway.
    await postgres.query('shop', 'CREATE TABLE people (id int)');
    await postgres.query('shop', 'CREATE TABLE schema_migrations (version varchar(255) PRIMARY KEY)');
    await postgres.query('shop', `INSERT INTO schema_migrations VALUES ('20260101000000')`);
    rig = await makeSmallRig({ variables: { SHOP: postgres.url('shop') } });
    service = await rig.service('tool');
  }, 180_000);
  afterAll(async () => {
    await rig.close();
    await postgres.stop();
  }, 180_000);

  it('releases what is pending by its table, and takes it back with the version that failed', async () => {
    const first = {
      'db/migrations/20260101000000_people.sql': '-- migrate:up\nCREATE TABLE people (id int);\n-- migrate:down\nDROP TABLE people;\n',
    };
    const second = {
      'db/migrations/20260102000000_name.sql':
        '-- migrate:up\nALTER TABLE people ADD COLUMN name text;\n-- migrate:down\nALTER TABLE people DROP COLUMN name;\n',
    };
    await service.commit('1.0.0', { config, files: { ...first, ...second } });
    expectSaid(await service.slipway('release'), 0, '20260102000000_name');
    expect(await applied()).toEqual([{ version: '20260101000000' }, { version: '20260102000000' }]);
    const third = {
      'db/migrations/20260103000000_full_name.sql':
        '-- slipway: rollback=reversible because "a name is only renamed"\n-- migrate:up\nALTER TABLE people RENAME COLUMN name TO full_name;\n-- migrate:down\nALTER TABLE people RENAME COLUMN full_name TO name;\n',
    };
    await service.commit('2.0.0', { config, files: { ...first, ...second, ...third }, behaviour: { failsForUsers: true } });
    expectSaid(await service.slipway('release'), 11, '20260103000000_full_name');
    expect(await applied()).toEqual([{ version: '20260101000000' }, { version: '20260102000000' }]);
    expect(
      await postgres.query(
        'shop',
        `SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'people' ORDER BY ordinal_position`,
      ),
    ).toEqual([{ name: 'id' }, { name: 'name' }]);
  });
});
