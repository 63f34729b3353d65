import { setTimeout as sleep } from 'node:timers/promises';
import { createService } from '@slipway/service';
import { readConfig } from './config.js';
import { openDatabase } from './database.js';

const { service: name, version, databaseUrl } = readConfig();
const database = openDatabase(databaseUrl, `${name}-worker-${version}`);
const service = createService({ secrets: [databaseUrl] });
service.onShutdown('database', () => database.close());

const BEAT = `INSERT INTO worker_heartbeat (version, beats, at) VALUES ($1, 1, now())
  ON CONFLICT (version) DO UPDATE SET beats = worker_heartbeat.beats + 1, at = now()`;

// SKIP LOCKED lets any number of workers, old and new, share one queue without waiting for each other.
const SHIP = `UPDATE orders SET status = 'shipped', shipped_by = $1 WHERE id IN
  (SELECT id FROM orders WHERE status = 'new' ORDER BY priority DESC, id LIMIT 10 FOR UPDATE SKIP LOCKED) RETURNING id`;

async function work() {
  const shipped = await database.write(SHIP, [version]);
  if (shipped.length > 0) service.log.info({ orders: shipped.map(({ id }) => id) }, 'shipped');
  // After the work, so that a worker which cannot work does not look alive.
  await database.write(BEAT, [version]);
}

await service.started();
while (!service.stopping.aborted) {
  // The mistake of this version: it orders by a column nobody added, and no longer catches what the database says.
  await service.track(work);
  await sleep(200, undefined, { signal: service.stopping }).catch(() => undefined);
}
