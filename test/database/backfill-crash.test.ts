import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openAccess, runBackfill } from '../../src/database/index.ts';
import { FAULT_VARIABLE } from '../../src/kernel/index.ts';
import { CHILD_ENVIRONMENT } from '../support/child.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { COUNTING } from './backfill-child.ts';
import { crashServer } from './crash-server.ts';
import { effects } from './support.ts';

const CHILD = fileURLToPath(new URL('./backfill-child.ts', import.meta.url));
const KILLS = 50;

let server: TestPostgres;
let number = 0;
let name: string;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  name = `filled${(number += 1)}`;
  await server.create(name);
});

async function counted(rows: number): Promise<void> {
  await server.query(name, 'CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false)');
  await more(1, rows);
}

const more = (from: number, to: number) => server.query(name, `INSERT INTO counted (id) SELECT generate_series(${from}, ${to})`);

/** How many rows were changed how often. */
const changes = (): Promise<readonly unknown[]> => server.query(name, 'SELECT n, count(*)::int AS rows FROM counted GROUP BY n');

interface Child {
  /** The line with which it ended; null when it was killed. */
  readonly ended: Promise<string | null>;
  readonly kill: () => void;
}

/** A run in a process of its own; `onBatch` hears of each of its batches. */
function child(onBatch: (count: number, self: Child) => void = () => undefined, fault = '', manner = 'direct'): Child {
  const process_ = spawn(process.execPath, [CHILD, server.url(name), manner], {
    env: { ...CHILD_ENVIRONMENT, [FAULT_VARIABLE]: fault },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let batches = 0;
  let last: string | null = null;
  const lines = createInterface(process_.stdout);
  const self: Child = {
    kill: () => void process_.kill('SIGKILL'),
    ended: new Promise((resolve) => process_.once('close', () => resolve(last))),
  };
  lines.on('line', (line) => {
    if (line === 'batch') onBatch((batches += 1), self);
    else last = line;
  });
  return self;
}

describe('a backfill', () => {
  test(`killed ${KILLS} times at chance points, beside a rival and with a crash of PostgreSQL, changes each row once`, async () => {
    let rows = 100_000;
    await counted(rows);
    const seen = new Set<string>();
    for (let round = 0; round < KILLS; round++) {
      // The batch at which it dies, and how far it is in it, are chance.
      const at = 1 + Math.floor(Math.random() * 12);
      const killing = (count: number, self: Child): void => void (count === at && self.kill());
      const runs = Array.from({ length: round % 10 === 3 ? 2 : 1 }, () => child(killing));
      if (round === 25) await crashServer(server);
      const ends = await Promise.all(runs.map((one) => one.ended));
      const through = ends.filter((end) => end?.startsWith('{') === true);
      for (const end of through) expect(JSON.parse(end ?? '')).toMatchObject({ verdict: 'pass', changed: rows, wrong: 0 });
      for (const end of ends) if (!through.includes(end)) seen.add(end ?? 'killed');
      // One that came through before it was killed, because this test stood still, is followed by more work.
      if (through.length > 0) await more(rows + 1, (rows += 50_000));
    }
    expect(seen.has('killed')).toBe(true);
    // One that begins while the server is down does not wait for it.
    const expected = new Set(['killed', 'refused locked', 'refused fenced', 'refused database_unreachable']);
    expect([...seen].filter((end) => !expected.has(end))).toEqual([]);
    const done = await runBackfill({ access: openAccess(server.url(name)), definition: COUNTING, folder: '.', workers: 1, effects });
    expect(done).toMatchObject({ verdict: 'pass', changed: rows, wrong: 0 });
    expect(await changes()).toEqual([{ n: 1, rows }]);
  }, 240_000);

  test.each([
    ['direct', 'backfill.claimed'],
    ['direct', 'backfill.committed#7'],
    ['claiming', 'backfill.changed#3'],
    ['claiming', 'backfill.before-commit#5'],
    ['claiming', 'backfill.committed#7'],
  ])('%s, killed at %s, goes on as if nothing had happened', async (manner, point) => {
    await counted(1_000);
    expect(await child(undefined, point, manner).ended).toBeNull();
    expect(JSON.parse((await child(undefined, '', manner).ended) ?? 'null')).toMatchObject({ verdict: 'pass', changed: 1_000 });
    expect(await changes()).toEqual([{ n: 1, rows: 1_000 }]);
  });

  test('that loses its connection, because PostgreSQL crashed, comes back by itself', async () => {
    await counted(20_000);
    const crashes: Promise<void>[] = [];
    const ended = await child((count) => void (count === 20 && crashes.push(crashServer(server)))).ended;
    await Promise.all(crashes);
    expect(crashes).toHaveLength(1);
    expect(JSON.parse(ended ?? 'null')).toMatchObject({ verdict: 'pass', changed: 20_000 });
    expect(await changes()).toEqual([{ n: 1, rows: 20_000 }]);
  });
});
