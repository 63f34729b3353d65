import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import { createProcessTarget, type ProcessTarget } from './process.ts';
import { readRecord } from './read-record.ts';

const SECRET = 'hunter2-correct-horse';
const MEGABYTES = 100;

/** Writes MEGABYTES of lines: bytes that are no UTF-8, a secret in pieces, one line of 5 MB; then says so and stays. */
const NOISY = `
  const { writeSync } = require('node:fs');
  const put = (bytes) => { for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at); };
  const noise = Buffer.concat([Buffer.from('noise '), Buffer.from([0xff, 0xfe, 0x80, 0xc3]), Buffer.alloc(489, 'x'), Buffer.from('\\n')]);
  const block = Buffer.concat(Array.from({ length: 2_000 }, () => noise));
  for (let megabyte = 0; megabyte < ${MEGABYTES - 5}; megabyte += 1) put(block);
  put(Buffer.alloc(5_000_000, 'y'));
  put(Buffer.from('\\n'));
  for (const piece of ['it is ', process.env.SECRET.slice(0, 9), process.env.SECRET.slice(9), '\\nthat was all\\n']) put(Buffer.from(piece));
  setInterval(() => undefined, 1_000);`;

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-output-'));
let target: ProcessTarget | null = null;
afterEach(async () => {
  await target?.stopAll();
  await target?.close();
  rmSync(directory, { recursive: true, force: true });
});

test(
  '100 MB of output, bytes that are no text and an endless line cost neither memory nor disk, nor the newest lines',
  { timeout: 120_000 },
  async () => {
    const environment = { PATH: process.env['PATH'], SECRET };
    target = await createProcessTarget({ directory, clock: systemClock, log: () => undefined, environment });
    const noisy = {
      name: 'noisy',
      argv: [process.execPath, '-e', NOISY],
      env: { SECRET: '${env:SECRET}' },
      instances: 1,
      port: false,
      health: { kind: 'alive', forMs: 0 },
      stopGraceMs: 500,
    } as const;
    const group = { id: 'shop/prd/blue', service: 'shop', environment: 'prd', version: '1', release: 'r', directory, envFile: null };
    await target.apply(1, { ...group, processes: [noisy] });
    const log = path.join(directory, 'logs', 'shop%2Fprd%2Fblue', 'noisy-0.log');
    const newest = (): string => (statSync(log, { throwIfNoEntry: false }) === undefined ? '' : readFileSync(log, 'utf8').slice(-1_000));
    await expect.poll(newest, { timeout: 100_000, interval: 100 }).toContain('that was all');
    const text = readFileSync(`${log}.1`, 'utf8') + readFileSync(log, 'utf8');
    expect(text).toContain('it is [redacted]\nthat was all\n');
    expect(text).not.toContain(SECRET.slice(0, 9));
    expect(text).toContain('noise \uFFFD\uFFFD\uFFFD\uFFFDxxx');
    expect(text).toContain('[slipway: line cut, it had 5000001 bytes]');
    for (const file of [log, `${log}.1`]) expect(statSync(file).size).toBeLessThanOrEqual(10 * 1024 * 1024);
    expect(await target.inspect('shop/prd/blue')).toMatchObject({ instances: [{ phase: 'ready', restarts: 0 }] });
    const keeper = readRecord(path.join(directory, 'run', 'shop%2Fprd%2Fblue~noisy-0.json')).keeper?.pid ?? 0;
    const mostKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${keeper}/status`, 'utf8'))?.[1]);
    expect(mostKb).toBeGreaterThan(0);
    expect(mostKb).toBeLessThan(200_000);
  },
);
