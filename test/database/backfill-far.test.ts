import { createServer, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, openAccess, runBackfill, type BackfillDefinition, type DatabaseAccess } from '../../src/database/index.ts';
import { backfillWorld } from './backfill-world.ts';

const { access, batches, people, request, query, server } = backfillWorld();

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

/** The test's database, so many ms away in each direction. */
async function far(ms: number): Promise<DatabaseAccess> {
  const path = join(server().socketDirectory, '.s.PGSQL.5432');
  const late = (from: Socket, to: Socket): void => {
    from.on('data', (chunk: Buffer) => setTimeout(() => to.writable && to.write(chunk), ms));
    from.on('close', () => setTimeout(() => to.destroy(), ms));
    from.on('error', () => undefined);
  };
  const sockets = new Set<Socket>();
  const proxy = createServer((near) => {
    const back = connect({ path });
    late(near, back);
    late(back, near);
    for (const socket of [near, back]) sockets.add(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = proxy.address() as { port: number };
  return openAccess(`postgresql://slipway@127.0.0.1:${port}/${access().name}?sslmode=disable`);
}

describe('a server far away', () => {
  const set: BackfillDefinition['change'] = { kind: 'set', columns: { times: 'times + 1', first_name: "split_part(name, ' ', 1)" } };
  const statement: BackfillDefinition['change'] = {
    kind: 'statement',
    sql: "UPDATE people SET first_name = split_part(name, ' ', 1), times = times + 1 WHERE id IN (${batch})",
  };

  test.each([
    ['written at once', set],
    ['claimed first', statement],
  ])('does not make batches small: rows %s', async (_, change) => {
    await people(2_000);
    const limits = { ...DEFAULT_LIMITS, transactionMs: 10, nice: 0 };
    const { verdict, changed } = await runBackfill(request({ access: await far(10) }, { change, limits }));
    expect([verdict, changed]).toEqual(['pass', 2_000]);
    expect(batches.length).toBeLessThan(200);
    expect(await query('SELECT count(*)::int AS n FROM people WHERE times <> 1')).toEqual([{ n: 0 }]);
  });
});

describe('a table of many partitions', () => {
  test('is walked in batches of more rows than its plans alone would leave time for', async () => {
    await query(`CREATE TABLE people (id bigint, day int, name text NOT NULL, first_name text, times int NOT NULL DEFAULT 0, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
      DO $$ BEGIN FOR n IN 0..149 LOOP EXECUTE format('CREATE TABLE people_%s PARTITION OF people FOR VALUES FROM (%s) TO (%s)', n, n, n + 1); END LOOP; END $$;
      INSERT INTO people SELECT n, n % 150, 'First' || n || ' Last' FROM generate_series(1, 6000) n`);
    const { verdict, changed } = await runBackfill(request({}, { limits: DEFAULT_LIMITS }));
    expect([verdict, changed]).toEqual(['pass', 6_000]);
    expect(batches.length).toBeLessThan(200);
    expect(await query('SELECT count(*)::int AS n FROM people WHERE times <> 1')).toEqual([{ n: 0 }]);
  });
});
