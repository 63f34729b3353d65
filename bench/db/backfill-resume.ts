import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import type { BenchResult } from '../result.ts';
import { spread } from '../stats.ts';

const CHILD = fileURLToPath(new URL('../../test/database/backfill-child.ts', import.meta.url));
const ROUNDS = 10;
const ROWS = 200_000;
/** Batches before the kill. */
const AFTER = 20;

/** A backfill is killed in the middle and started again at once: until the first batch of the new one is committed. */
export async function benchBackfillResume(): Promise<BenchResult> {
  const server = await startPostgres({ settings: ['fsync=on'] });
  try {
    const took: number[] = [];
    for (let round = 0; round < ROUNDS; round++) took.push(await killedOnce(server, `filled${round}`));
    return {
      name: 'a backfill killed and started again',
      unit: 's',
      rows: [{ subject: 'kill -9 until the next batch is committed', figures: spread(took, 's') }],
      notes: [`${ROUNDS} rounds, each killed after ${AFTER} batches of ${ROWS.toLocaleString('en-US')} rows; the start of Node is counted`],
    };
  } finally {
    await server.stop();
  }
}

async function killedOnce(server: TestPostgres, name: string): Promise<number> {
  const url = await server.create(name);
  await server.query(name, 'CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false)');
  await server.query(name, `INSERT INTO counted (id) SELECT generate_series(1, ${ROWS})`);
  const first = begin(url);
  await batches(first, AFTER);
  first.kill('SIGKILL');
  const since = performance.now();
  const second = begin(url);
  await batches(second, 1);
  const tookMs = performance.now() - since;
  second.kill('SIGKILL');
  await once(second, 'close');
  return tookMs / 1000;
}

const begin = (url: string): ChildProcess =>
  spawn(process.execPath, [CHILD, url], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] });

async function batches(child: ChildProcess, count: number): Promise<void> {
  if (child.stdout === null) throw new Error('a child with a pipe has no stdout');
  let seen = 0;
  for await (const line of createInterface(child.stdout)) if (line === 'batch' && (seen += 1) === count) return;
  throw new Error(`the backfill ended after ${seen} batches`);
}
