import { expect, test } from 'vitest';
import { runBackfill } from '../../src/database/index.ts';
import { backfillWorld, meanwhile } from './backfill-world.ts';
import { until } from './support.ts';

const { people, request, query, session, batches, lines } = backfillWorld(['max_wal_senders=2']);

test('a backfill, whose own batches wait for no disk and no replica, waits while commits of others do', async () => {
  await people(1_000);
  const other = await session('an operator');
  const { effects, begin } = meanwhile();
  // A replica that is named and not there holds every commit that waits for it.
  const stall = async (): Promise<void> => {
    await other.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await other.query('SELECT pg_reload_conf()');
    const held = "SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND clock_timestamp() - query_start > interval '1100 ms'";
    await until('a commit is held', async () => (await other.query(held)).rowCount === 1);
  };
  const released: Promise<void>[] = [];
  const release = async (): Promise<void> => {
    await other.query('ALTER SYSTEM RESET synchronous_standby_names');
    await other.query('SELECT pg_reload_conf()');
  };
  const result = await runBackfill(
    request({
      effects,
      onBatch: (record) => {
        batches.push(record);
        if (batches.length === 2) begin(stall());
      },
      onWait: (why) => {
        if (why === null) return;
        lines.push(why);
        if (released.length === 0) released.push(release());
      },
    }),
  );
  await Promise.all(released);
  expect(result).toMatchObject({ verdict: 'pass', changed: 1_000 });
  expect(lines).toContainEqual(expect.stringMatching(/^a commit takes \d+\.\d ms, before it took/));
  expect(await query('SELECT count(*)::int AS n FROM people WHERE times <> 1')).toEqual([{ n: 0 }]);
});
