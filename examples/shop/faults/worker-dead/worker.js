import { setTimeout as sleep } from 'node:timers/promises';
import { readConfig } from './config.js';
import { openDatabase } from './database.js';

const { service, version, databaseUrl } = readConfig();
const database = openDatabase(databaseUrl, `${service}-worker-${version}`);
const stopping = new AbortController();

const BEAT = `INSERT INTO worker_heartbeat (version, beats, at) VALUES ($1, 1, now())
  ON CONFLICT (version) DO UPDATE SET beats = worker_heartbeat.beats + 1, at = now()`;

// SKIP LOCKED lets any number of workers, old and new, share one queue without waiting for each other.
const SHIP = `UPDATE orders SET status = 'shipped', shipped_by = $1 WHERE id IN
  (SELECT id FROM orders WHERE status = 'new' ORDER BY priority DESC, id LIMIT 10 FOR UPDATE SKIP LOCKED) RETURNING id`;

async function work() {
  const shipped = await database.write(SHIP, [version]);
  if (shipped.length > 0) console.log(`shipped ${shipped.map(({ id }) => id).join(', ')}`);
  // After the work, so that a worker which cannot work does not look alive.
  await database.write(BEAT, [version]);
}

process.on('SIGTERM', () => stopping.abort());
process.on('SIGINT', () => stopping.abort());
console.log(`${service} worker ${version} started`);
while (!stopping.signal.aborted) {
  // The mistake of this version: it orders by a column nobody added, and no longer catches what the database says.
  await work();
  await sleep(200, undefined, { signal: stopping.signal }).catch(() => undefined);
}
await database.close();
console.log('bye');
