import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';

const SCALE = 20;
const CLIENTS = 8;

/** A server with the tables of pgbench and a column to fill, as a template for any number of runs. */
export interface Oltp {
  readonly server: TestPostgres;
  readonly rows: number;
  /** A fresh copy; answers its URL. */
  copy(): Promise<string>;
  close(): Promise<void>;
}

/** One run of pgbench beside something else. */
export interface Load {
  /** Latencies in ms, the wait for the scheduled moment included, of the transactions that began between two moments of `Date.now()`. */
  readonly latencies: (from: number, to: number) => readonly number[];
}

export const hasPgbench = (): boolean => spawnSync('pgbench', ['--version']).status === 0;

/** So that the server has WAL files to use again, as one has that has been in use: new ones are filled with zeros while commits wait. */
const WARM_UPDATES = 3;

/** Durable, as a production server is: every commit waits for the disk. */
const SETTINGS = [
  'fsync=on',
  'full_page_writes=on',
  'shared_buffers=512MB',
  'autovacuum=on',
  'min_wal_size=4GB',
  'max_wal_size=4GB',
  'checkpoint_timeout=30min',
];

export async function openOltp(): Promise<Oltp> {
  const server = await startPostgres({ settings: SETTINGS });
  const url = await server.create('pristine');
  await pgbench(url, ['--initialize', `--scale=${SCALE}`, '--quiet', '--foreign-keys']);
  await server.query('pristine', 'ALTER TABLE pgbench_accounts ADD COLUMN shard int');
  await server.query('pristine', 'VACUUM ANALYZE');
  let copies = 0;
  const copy = async (): Promise<string> => {
    if (copies > 0) await server.query('postgres', `DROP DATABASE copy${copies} WITH (FORCE)`);
    copies += 1;
    await server.query('postgres', `CREATE DATABASE copy${copies} TEMPLATE pristine`);
    await server.query('postgres', 'CHECKPOINT');
    return server.url(`copy${copies}`);
  };
  for (let time = 0; time < WARM_UPDATES; time++) {
    await copy();
    await server.query(`copy${copies}`, 'UPDATE pgbench_accounts SET shard = aid % 16');
  }
  return { server, rows: SCALE * 100_000, copy, close: () => server.stop() };
}

/** TPC-B for so many seconds: at a rate (open loop), or as fast as it goes (closed loop). */
export async function load(url: string, seconds: number, perSecond: number | null): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  const rate = perSecond === null ? [] : [`--rate=${perSecond}`];
  const args = [
    '--no-vacuum',
    `--client=${CLIENTS}`,
    '--jobs=1',
    `--time=${seconds}`,
    ...rate,
    '--log',
    `--log-prefix=${join(folder, 'l')}`,
  ];
  await pgbench(url, args);
  const rows = readdirSync(folder).flatMap((file) => readLog(readFileSync(join(folder, file), 'utf8')));
  rmSync(folder, { recursive: true, force: true });
  return { latencies: (from, to) => rows.filter(({ began }) => began >= from && began < to).map(({ ms }) => ms) };
}

/** `client transaction time script epoch us [lag]`; the epoch is that of the end. */
function readLog(text: string): readonly { readonly began: number; readonly ms: number }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').map(Number))
    .map(([, , took = 0, , epoch = 0, us = 0]) => ({ began: epoch * 1000 + us / 1000 - took / 1000, ms: took / 1000 }));
}

async function pgbench(url: string, args: readonly string[]): Promise<void> {
  const child = spawn('pgbench', [...args, url], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env['PATH'] } });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`pgbench ended with ${code ?? 'a signal'}: ${said.slice(-500)}`);
}
