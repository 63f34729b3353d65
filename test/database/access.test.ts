import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseSize, openAccess, queryRows } from '../../src/database/index.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.create('shop');
});
afterAll(() => server.stop());

describe('the URL', () => {
  test.each([
    ['postgresql://u:p@host:5432/shop', 'shop'],
    ['postgres://host/my%20shop', 'my shop'],
    ['postgresql://u@localhost/shop?host=/run/pg', 'shop'],
    ['postgresql:///shop?host=/run/pg', 'shop'],
  ])('%s', (url, name) => {
    expect(openAccess(url)).toEqual({ url, name });
  });

  test.each([
    ['', 'is not a URL'],
    ['shop', 'is not a URL'],
    ['mysql://u:secret99@host/shop', 'is not a PostgreSQL URL'],
    ['postgresql://u:secret99@host', 'names no database'],
    ['postgresql://u:secret99@host/', 'names no database'],
    ['postgresql://u:secret99@host/a%2Fb', 'cannot be used'],
    ['postgresql://u:secret99@host/a%00b', 'cannot be used'],
    ['postgresql://u:secret99@host/a%E0b', 'names no database'],
  ])('"%s" is refused without repeating it', (url, message) => {
    expect(() => openAccess(url)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(message) as string }) as Error,
    );
    expect(() => openAccess(url)).not.toThrow(/secret99/);
  });
});

describe('the connection', () => {
  test('tells version, size and rights', async () => {
    const facts = await databaseSize(openAccess(server.url('shop')));
    expect(facts).toMatchObject({ readOnly: false, user: 'slipway', canCreateDatabase: true });
    expect(facts.serverVersion).toBeGreaterThanOrEqual(180_000);
    expect(facts.bytes).toBeGreaterThan(1_000_000);
  });

  test('a read-only database says so', async () => {
    await server.create('frozen');
    await server.query('postgres', 'ALTER DATABASE frozen SET default_transaction_read_only = on');
    expect(await databaseSize(openAccess(server.url('frozen')))).toMatchObject({ readOnly: true });
  });

  const refusal = (url: string): Promise<unknown> =>
    databaseSize(openAccess(url)).then(
      () => null,
      (error: unknown) => error,
    );

  test('a missing database and an unknown user are named', async () => {
    expect(await refusal(server.url('nowhere'))).toMatchObject({
      code: 'database_unreachable',
      message: expect.stringContaining('The database nowhere does not exist') as string,
    });
    expect(await refusal(server.url('shop').replace('slipway@', 'nobody:secret99@'))).toMatchObject({
      code: 'database_unreachable',
      message: expect.stringContaining('user nobody') as string,
    });
  });

  test('a wrong password is named and not shown', async () => {
    // Any server that answers like PostgreSQL's 28P01 will do; ours trusts everybody on its socket.
    const fake = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        const fields = Buffer.from('SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user "u"\0\0');
        const head = Buffer.alloc(5);
        head.write('E');
        head.writeInt32BE(fields.length + 4, 1);
        socket.end(Buffer.concat([head, fields]));
      });
    });
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const { port } = fake.address() as { port: number };
    const error = await refusal(`postgresql://u:secret99@127.0.0.1:${port}/shop?sslmode=disable`);
    expect(error).toMatchObject({ code: 'database_unreachable', message: `PostgreSQL refuses the password of user u (127.0.0.1:${port})` });
    await new Promise((resolve) => fake.close(resolve));
  });

  test('nobody listening is told with host and port, without the password', async () => {
    const error = (await refusal('postgresql://u:secret99@127.0.0.1:1/shop')) as Error;
    expect(error).toMatchObject({ code: 'database_unreachable' });
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.message).not.toContain('secret99');
  });
});

describe('a query of a smoke check', () => {
  test('answers rows', async () => {
    expect(await queryRows(openAccess(server.url('shop')), 'SELECT 1 AS one', 20_000)).toEqual([{ one: 1 }]);
  });

  test.each([
    ['writes', 'CREATE TABLE t (id int)'],
    ['ends the transaction to write', 'COMMIT; CREATE TABLE t (id int)'],
    ['takes too long', 'SELECT pg_sleep(30)'],
    ['is not SQL', 'SELEC 1'],
  ])('that %s is refused', async (_what, sql) => {
    await expect(queryRows(openAccess(server.url('shop')), sql, 200)).rejects.toMatchObject({ code: 'database_refused' });
    expect(await server.query('shop', `SELECT 1 FROM pg_tables WHERE tablename = 't'`)).toEqual([]);
  });
});
