import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClients, deliveryOf, type Delivery } from '../../src/flags/index.ts';
import { systemClock, type Clock } from '../../src/kernel/index.ts';
import { startReports } from '../../src/server/flags-stream/reports.ts';
import { aFlag, openBed, until, type Bed } from './bed.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await openBed();
});
afterAll(() => bed.stop());

it('how far a kill got is known hours later too, of those who came meanwhile as well', async () => {
  await bed.write([['release_on', aFlag()]], 'create');
  const { seq, at } = await bed.write([['release_on', aFlag({ enabled: false })]], 'kill');
  const stored = await bed.store.flags.read('dev');
  const snapshot = { ...stored, environment: 'dev', seq };
  let hours = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + hours * 3_600_000 };
  const clients = createClients();
  const from = { address: '127.0.0.1', token: { id: 't', description: 'test' } };
  const { telemetry } = bed.store;
  await telemetry.present({ process: 'p', limitMs: 60_000 });
  const reports = startReports({ clock, log: () => undefined, process: 'p', telemetry }, () => [
    { environment: 'dev', clients, current: () => snapshot },
  ]);
  const delivery = async (): Promise<Delivery> => deliveryOf(await telemetry.reach('dev'), seq);

  clients.joined('early', seq - 1, clock.now(), from);
  clients.ask(seq, at);
  clients.acknowledge('early', seq, clock.now());
  await until(async () => (await delivery()).complete);
  hours = 1;
  clients.joined('late', seq, clock.now(), from);
  await until(async () => (await delivery()).connected === 2);
  expect(await delivery()).toMatchObject({ complete: true, acknowledged: 2, stale: [] });
  clients.joined('behind', null, clock.now(), from);
  await until(async () => (await delivery()).connected === 3);
  expect(await delivery()).toMatchObject({ complete: false, acknowledged: 2, stale: [{ client: 'behind' }] });
  await reports.stop();
});
