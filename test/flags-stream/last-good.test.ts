import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type FlagsClient, type NodeClientOptions } from '../../packages/flags/src/node.ts';
import { eventFrame, type Signer } from '../../src/flags/index.ts';
import { eventually } from '../store/support.ts';
import { aSwitch, deltaOf, frameOf, newSigner, says, scriptedServer, setOf, type Scripted } from './scripted-server.ts';

let home: string;
let file: string;
let server: Scripted;
let signer: Signer;
let clients: FlagsClient[];
let said: string[];
beforeEach(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'slw-flags-'));
  file = path.join(home, 'a', 'flags');
  server = await scriptedServer();
  signer = newSigner();
  clients = [];
  said = [];
});
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.stop();
  rmSync(home, { recursive: true, force: true });
});

function connect(options: Partial<NodeClientOptions> = {}): FlagsClient {
  const log = (level: string, message: string): void => void said.push(`${level}: ${message}`);
  const client = createClient({ url: server.url, token: 'slp_a_b', log, lastGoodFile: file, initTimeoutMs: 100, ...options });
  clients.push(client);
  return client;
}

/** Lives once: gets a snapshot and a delta, then ends. */
async function firstLife(options: Partial<NodeClientOptions> = {}): Promise<void> {
  says(server, signer, setOf(3, { a: aSwitch(true), b: aSwitch(true) }));
  const client = connect({ initTimeoutMs: 10_000, ...options });
  await client.ready;
  server.send(frameOf(signer, deltaOf(4, { b: aSwitch(false) })));
  await eventually('the delta', () => client.status().seq === 4);
  await client.close();
  server.snapshot = null;
  server.status = 503;
}

/** How a client begins while the server is away. On a busy machine `ready` may be earlier than the file; the server is asked only after that. */
async function begun(options: Partial<NodeClientOptions> = {}): Promise<FlagsClient> {
  const client = connect(options);
  await client.ready;
  await eventually('it asked the server', () => client.status().problem !== null);
  return client;
}

const read = (client: FlagsClient): readonly unknown[] => ['a', 'b'].map((key) => client.boolean(key, {}, false));

describe('the last-good file', () => {
  it('is what a client begins with while the server is away, and where it goes on from', async () => {
    await firstLife();
    const client = await begun();
    expect(client.status()).toMatchObject({ source: 'last-good', environment: 'dev', seq: 4 });
    expect(read(client)).toEqual([true, false]);
    server.status = 0;
    await eventually('the server is back', () => client.status().source === 'server');
    expect(server.streams.at(-1)?.['last-event-id']).toBe(`4-${signer.tag}`);
    expect(client.status()).toMatchObject({ state: 'READY', seq: 4 });
  });

  it('has what it had in a later life too, which is told nothing but what changed since', async () => {
    await firstLife();
    server.status = 0;
    const second = connect({ initTimeoutMs: 10_000 });
    await eventually('the server is back', () => second.status().source === 'server');
    server.send(frameOf(signer, deltaOf(5, { a: aSwitch(false) })));
    await eventually('the delta', () => second.status().seq === 5);
    await second.close();
    expect(server.polls.whole).toBe(0);
    server.status = 503;
    const third = await begun();
    expect(third.status()).toMatchObject({ source: 'last-good', seq: 5 });
    expect(read(third)).toEqual([false, false]);
  });

  it('is for its owner alone, and nothing else is left beside it', async () => {
    await firstLife();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(file))).toEqual(['flags']);
  });

  const lines = (): string[] => readFileSync(file, 'utf8').split('\n');
  /** With a checksum that is right again, as somebody would write it who wants to be believed. */
  const rewrite = (change: (rest: string[]) => readonly string[]): void => {
    const [header = '', ...rest] = lines();
    const body = change(rest).join('\n');
    const sha256 = createHash('sha256').update(body).digest('hex');
    writeFileSync(file, `${JSON.stringify({ ...(JSON.parse(header) as object), sha256 })}\n${body}`);
  };
  const flipped = (line: string | undefined): string => (line ?? '').replace(String.raw`\"enabled\":true`, String.raw`\"enabled\":false`);

  it.each([
    ['empty', () => writeFileSync(file, '')],
    ['cut off', () => writeFileSync(file, readFileSync(file).subarray(0, -20))],
    [
      'changed',
      () =>
        writeFileSync(
          file,
          lines()
            .map((line, index) => (index === 1 ? flipped(line) : line))
            .join('\n'),
        ),
    ],
    ['changed with a new checksum', () => rewrite(([snapshot, ...rest]) => [flipped(snapshot), ...rest])],
    ['without its snapshot', () => rewrite(([, ...rest]) => rest)],
    [
      'signed by somebody else',
      () => rewrite(() => [newSigner().sign({ ...setOf(9, { a: aSwitch(false) }), kind: 'snapshot', keys: [], tag: '' }), '']),
    ],
    ['noise', () => writeFileSync(file, Buffer.from([0, 255, 10, 0, 10]))],
  ])('is not believed when it is %s, and a client begins without it', async (_what, spoil) => {
    await firstLife();
    spoil();
    const client = await begun();
    expect(client.status()).toMatchObject({ source: 'defaults' });
    expect(said.some((line) => line.startsWith('warn: the last'))).toBe(true);
    server.status = 0;
    says(server, signer, setOf(4, { a: aSwitch(true), b: aSwitch(true) }));
    await eventually('the server', () => client.status().source === 'server');
    expect(read(client)).toEqual([true, true]);
  });

  it('is believed up to the first delta that is not right', async () => {
    await firstLife();
    rewrite(([snapshot, delta, ...rest]) => [snapshot ?? '', flipped(delta).replace('enabled', 'enabIed'), ...rest]);
    const client = await begun();
    expect(client.status()).toMatchObject({ source: 'last-good', seq: 3 });
    expect(read(client)).toEqual([true, true]);
  });

  it('is not believed when another key is pinned, or another environment wanted', async () => {
    await firstLife();
    const source = async (options: Partial<NodeClientOptions>) => (await begun(options)).status().source;
    expect(await source({ keys: [newSigner().key] })).toBe('defaults');
    expect(await source({ environment: 'production' })).toBe('defaults');
    expect(await source({ keys: [signer.key], environment: 'dev' })).toBe('last-good');
  });

  it('keeps the key that was trusted on first use', async () => {
    await firstLife();
    server.status = 0;
    const other = newSigner();
    server.snapshot = other.sign({ ...setOf(9, { a: aSwitch(false) }), kind: 'snapshot', keys: other.keys, tag: '' });
    const client = connect({ initTimeoutMs: 10_000 });
    await client.ready;
    server.send(eventFrame('snapshot', server.snapshot));
    await eventually('the refusal', () => client.status().refused['unknown-key'] > 0);
    expect([client.status().seq, client.boolean('a', {}, false)]).toEqual([4, true]);
  });

  it('tells how long ago the server was heard, which flags may mind; a clock that was set back tells nothing', async () => {
    says(server, signer, setOf(3, { a: aSwitch(true, { stale: { afterMs: 3_600_000 } }) }));
    const first = connect({ initTimeoutMs: 10_000 });
    await first.ready;
    await first.close();
    server.status = 503;
    const served = async (heardMsAgo: number): Promise<unknown> => {
      utimesSync(file, (Date.now() - heardMsAgo) / 1_000, (Date.now() - heardMsAgo) / 1_000);
      const client = await begun();
      const { reason } = client.booleanDetails('a', {}, true);
      return [reason, client.status().state];
    };
    expect(await served(60_000)).toEqual(['STATIC', 'STALE']);
    expect(await served(2 * 3_600_000)).toEqual(['STALE', 'STALE']);
    expect(await served(-3_600_000)).toEqual(['STALE', 'STALE']);
  });

  it.skipIf(!canMount())(
    'on a full disk stays what it was, which is said and keeps nobody from the flags; with space it goes on',
    async () => {
      const disk = path.join(home, 'disk');
      mkdirSync(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
      try {
        file = path.join(disk, 'flags');
        says(server, signer, setOf(3, { a: aSwitch(true), b: aSwitch(true) }));
        const client = connect({ initTimeoutMs: 10_000 });
        await client.ready;
        await eventually('it is kept', () => existsSync(file));
        fill(path.join(disk, 'filler'));
        server.send(frameOf(signer, deltaOf(4, { b: aSwitch(false) })));
        await eventually('it is said', () => said.some((line) => /^warn: the last good flags could not be kept.*ENOSPC/.test(line)));
        expect([client.status().seq, ...read(client)]).toEqual([4, true, false]);
        expect((await begun({ url: 'http://127.0.0.1:9' })).status()).toMatchObject({ source: 'last-good', seq: 3 });
        rmSync(path.join(disk, 'filler'));
        server.send(frameOf(signer, deltaOf(5, { a: aSwitch(false) })));
        await eventually('it is kept again', async () => {
          const next = connect({ url: 'http://127.0.0.1:9' });
          return (await next.ready).seq === 5;
        });
        expect(readdirSync(disk)).toEqual(['flags']);
      } finally {
        await Promise.all(clients.map((client) => client.close()));
        execFileSync('umount', [disk]);
      }
    },
  );
});

/** A disk that is really full takes root, on Linux. */
function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
}

function fill(filler: string): void {
  const handle = openSync(filler, 'w');
  try {
    for (;;) writeSync(handle, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(handle);
  }
}
