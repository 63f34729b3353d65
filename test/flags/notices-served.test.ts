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
import { eventually, LEASE, query } from '../store/support.ts';
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
const run = (...args: readonly string[]) => runWith({}, ...args);

function runWith(more: NodeJS.ProcessEnv, ...args: readonly string[]): { readonly child: ChildProcess; readonly said: () => string } {
  const { port } = receiver.address() as AddressInfo;
  const variables = { ...env, NOTICES: `http://127.0.0.1:${port}/hook`, ...more };
  const child = spawn(process.execPath, [MAIN, '-C', folder, ...args], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, said: () => text };
}

/** A flag that has expired, so that its owner is to be told. */
async function expired(key: string): Promise<void> {
  const about = { ...OFF_FLAG.about, createdAt: new Date(0).toISOString(), expiresAt: new Date(Date.now() - 86_400_000).toISOString() };
  await opened.flags.commit({
    environment: 'prd',
    actor: 'ann',
    reason: '',
    action: 'create',
    acknowledge: false,
    writes: [{ kind: 'flag', key, revision: null, after: { ...OFF_FLAG, about } }],
  });
}

async function ended({ child, said }: ReturnType<typeof run>, signal: NodeJS.Signals | null): Promise<void> {
  const gone = once(child, 'exit');
  if (signal !== null) child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await gone;
  expect([child.exitCode, child.signalCode], said()).toEqual(signal === null ? [null, 'SIGKILL'] : [0, null]);
}

const toldOf = (key: string): readonly string[] => got.filter((one) => one.includes(`/${key}/`));

it('a server and a worker tell the owner once, and each of them ends when it is told to', async () => {
  await expired('release_a');
  const serve = run('serve', '--port', '0');
  await eventually('the notice', () => got.length > 0 || (serve.child.exitCode !== null && serve.said()), 60_000);
  expect(got).toEqual([expect.stringMatching(/^\/hook prd\/release_a\/.*\/expired$/)]);
  const worker = run('worker');
  await eventually('a worker', () => worker.said().includes('worker ready'), 60_000);
  for (const one of [serve, worker]) await ended(one, 'SIGTERM');
  expect(serve.said()).toContain('the owner of a flag was told that it expires');
  expect(serve.said() + worker.said()).not.toContain('/hook');
  expect(got).toHaveLength(1);
});

it('what was claimed by servers that were killed, before they sent it or before they noted that, is told by another one', async () => {
  const [unsent, unnoted, after] = ['release_b', 'release_c', 'release_d'];
  await expired(unsent);
  await ended(runWith({ SLIPWAY_FAULT_AT: 'notice.claimed' }, 'serve', '--port', '0'), null);
  await expired(unnoted);
  await ended(runWith({ SLIPWAY_FAULT_AT: 'notice.sent' }, 'serve', '--port', '0'), null);
  expect([toldOf(unsent).length, toldOf(unnoted).length]).toEqual([0, 1]);
  // Owners are told in the order of keys: whoever told of the last one has looked at the others, whose claims hold.
  await expired(after);
  const early = run('serve', '--port', '0');
  await eventually('the last one', () => toldOf(after).length > 0, 60_000);
  expect([toldOf(unsent).length, toldOf(unnoted).length]).toEqual([0, 1]);
  await ended(early, 'SIGTERM');
  await query(
    opened.embedded?.url('slipway') ?? '',
    `update slipway.flag_notice set claimed_until = clock_timestamp() - interval '1 second'`,
  );
  const late = run('serve', '--port', '0');
  await eventually('both', () => toldOf(unsent).length + toldOf(unnoted).length === 3, 60_000);
  await eventually('that it is noted', () => late.said().split('the owner of a flag was told').length === 3, 60_000);
  await ended(late, 'SIGTERM');
  // A second copy is known by its key, and nothing that was noted is told again.
  expect([unsent, unnoted, after].map((key) => [toldOf(key).length, new Set(toldOf(key)).size])).toEqual([
    [1, 1],
    [2, 1],
    [1, 1],
  ]);
});
