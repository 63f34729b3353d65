import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';
import { MAIN, scratch } from '../cli/support.ts';
import { eventually, LEASE } from '../store/support.ts';
import { OFF_FLAG } from '../support/flag.ts';

const home = scratch();
const folder = path.join(home.path, 'shop');
const env = { ...process.env, SLIPWAY_HOME: path.join(home.path, 'state') };
const got: string[] = [];
const receiver = createServer((request, response) => {
  request.resume().on('end', () => {
    got.push(`${request.url ?? ''} ${String(request.headers['idempotency-key'])}`);
    response.writeHead(200).end();
  });
});
const started: ChildProcess[] = [];
let opened: OpenStore;

beforeAll(async () => {
  for (const one of [folder, env.SLIPWAY_HOME]) mkdirSync(one, { recursive: true });
  await new Promise<void>((resolve) => void receiver.listen(0, '127.0.0.1', resolve));
  writeFileSync(path.join(folder, 'slipway.yaml'), 'service: shop\nlisten: 8080\nrun: node a.js\nnotify: { url: "${env:NOTICES}" }\n');
  opened = await openStore({ home: env.SLIPWAY_HOME, node: 'here:served', clock: systemClock, lease: LEASE });
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  receiver.close();
  const { embedded } = opened;
  await opened.close();
  await embedded?.stop('fast');
  home.remove();
});

/** A process as users have it, and what it has written. */
function run(...args: readonly string[]): { readonly child: ChildProcess; readonly said: () => string } {
  const { port } = receiver.address() as AddressInfo;
  const variables = { ...env, NOTICES: `http://127.0.0.1:${port}/hook` };
  const child = spawn(process.execPath, [MAIN, '-C', folder, ...args], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

it('a server and a worker tell the owner once, and each of them ends when it is told to', async () => {
  const day = 86_400_000;
  const about = { ...OFF_FLAG.about, createdAt: new Date(0).toISOString(), expiresAt: new Date(Date.now() - day).toISOString() };
  await opened.flags.commit({
    environment: 'prd',
    actor: 'ann',
    reason: '',
    action: 'create',
    acknowledge: false,
    writes: [{ kind: 'flag', key: 'release_a', revision: null, after: { ...OFF_FLAG, about } }],
  });
  const serve = run('serve', '--port', '0');
  await eventually('the notice', () => got.length > 0 || (serve.child.exitCode !== null && serve.said()), 60_000);
  expect(got).toEqual([expect.stringMatching(/^\/hook prd\/release_a\/.*\/expired$/)]);
  const worker = run('worker');
  await eventually('a worker', () => worker.said().includes('worker ready'), 60_000);
  for (const { child, said } of [serve, worker]) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended, said()).toEqual([0, null]);
  }
  expect(serve.said()).toContain('the owner of a flag was told that it expires');
  expect(serve.said() + worker.said()).not.toContain('/hook');
  expect(got).toHaveLength(1);
});
