import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage, Agent, request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { getJson, tryService } from './support.ts';

interface App {
  readonly child: ChildProcess;
  readonly url: string;
  readonly told: unknown[];
  readonly lines: () => readonly Record<string, unknown>[];
  readonly exit: Promise<number>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(limits: object, env: NodeJS.ProcessEnv = {}): Promise<App> {
  const child = fork(path.join(import.meta.dirname, 'apps/bare.ts'), {
    env: { ...process.env, LIMITS: JSON.stringify(limits), ...env },
    silent: true,
  });
  children.push(child);
  const told: unknown[] = [];
  child.on('message', (message) => void told.push(message));
  let output = '';
  child.stdout?.on('data', (chunk) => void (output += String(chunk)));
  const exit = once(child, 'close').then(([code]) => Number(code));
  await expect.poll(() => told.length, { timeout: 30_000 }).toBeGreaterThan(0);
  const lines = () => output.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]));
  return { child, url: `http://127.0.0.1:${(told[0] as { port: number }).port}`, told, lines, exit };
}

function open(url: string, agent?: Agent, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { ...(agent === undefined ? {} : { agent }), headers }, resolve)
      .once('error', reject)
      .end();
  });
}

async function begun(app: App): Promise<void> {
  await expect.poll(() => app.lines().some(({ msg }) => msg === 'shutting down')).toBe(true);
}

describe('SIGTERM', () => {
  it('takes readiness down first, lets requests and transactions end, closes kept connections, runs hooks in reverse, exits 0', async () => {
    // Time enough for all that is asked in it.
    const app = await start({ announceMs: 4_000, graceMs: 20_000 });
    const agent = new Agent({ keepAlive: true });
    await text(await open(`${app.url}/hello`, agent));
    await text(await open(`${app.url}/transaction`));
    const slow = open(`${app.url}/wait`);
    await expect.poll(() => app.told).toContain('waiting');

    app.child.kill('SIGTERM');
    await begun(app);
    expect(await getJson(`${app.url}/health/ready`)).toEqual({ status: 503, body: { status: 'down', reason: 'shutting-down' } });
    expect((await getJson(`${app.url}/health/live`)).status).toBe(200);
    // A router that has not noticed yet still gets answers, and is told not to come again on this connection.
    const late = await open(`${app.url}/hello`, agent);
    expect(late.headers.connection).toBe('close');
    expect(await text(late)).toBe('hello');
    // After the announcement nobody can connect any more, while the slow request still waits.
    await expect.poll(() => open(app.url).then(text, ({ code }: NodeJS.ErrnoException) => code)).toBe('ECONNREFUSED');

    app.child.send('release');
    const answer = await slow;
    expect(answer.headers.connection).toBe('close');
    expect(await text(answer)).toBe('done');
    expect(await app.exit).toBe(0);
    expect(app.told.slice(-3)).toEqual(['committed', 'cache closed', 'database closed']);
    agent.destroy();
  });

  it('tells streams to end: an event stream gets its goodbye and so does a WebSocket', async () => {
    const app = await start({ announceMs: 0 });
    const events = await open(`${app.url}/events`);
    const upgrade = request(`${app.url}/socket`, { headers: { connection: 'upgrade', upgrade: 'echo' } }).end();
    const [, socket] = (await once(upgrade, 'upgrade')) as [IncomingMessage, NodeJS.ReadableStream];
    const goodbye = text(socket);

    app.child.kill('SIGTERM');
    expect(await text(events)).toBe('data: hello\n\nevent: bye\n\n');
    expect(await goodbye).toBe('bye');
    expect(await app.exit).toBe(0);
  });

  it('is bounded: what does not end is cut, counted and said, and the exit code is 1', async () => {
    const app = await start({ announceMs: 0, drainMs: 200 }, { TUNNEL: 'deaf' });
    const never = open(`${app.url}/wait`).then(text, ({ code }: NodeJS.ErrnoException) => code);
    const upgrade = request(`${app.url}/socket`, { headers: { connection: 'upgrade', upgrade: 'echo' } }).end();
    const [, socket] = (await once(upgrade, 'upgrade')) as [IncomingMessage, NodeJS.ReadableStream];
    socket.once('error', () => undefined).resume();
    await expect.poll(() => app.told).toContain('waiting');

    app.child.kill('SIGTERM');
    expect(await never).toBe('ECONNRESET');
    expect(await app.exit).toBe(1);
    expect(app.lines()).toContainEqual(expect.objectContaining({ level: 'warn', part: 'requests', count: 2 }));
    expect(app.told).toContain('database closed');
  });

  it.each([
    ['hangs', { level: 'error', hook: 'hanging' }],
    ['fails', { level: 'error', hook: 'failing' }],
  ])('a hook that %s is named, the others still run, the exit code is 1', async (HOOK, line) => {
    const app = await start({ announceMs: 0, hooksMs: 300 }, { HOOK });
    app.child.kill('SIGTERM');
    expect(await app.exit).toBe(1);
    expect(app.lines()).toContainEqual(expect.objectContaining(line));
    expect(app.told).toContain('database closed');
  });

  it('a second one ends the process at once', async () => {
    const app = await start({ announceMs: 0 });
    open(`${app.url}/wait`).catch(() => undefined);
    await expect.poll(() => app.told).toContain('waiting');
    app.child.kill('SIGTERM');
    await begun(app);
    app.child.kill('SIGINT');
    expect(await app.exit).toBe(130);
    expect(app.told).not.toContain('database closed');
  });
});

describe('an unhandled rejection', () => {
  it('is logged, lets the requests in flight end and exits with 1', async () => {
    const app = await start({ announceMs: 0 });
    const slow = open(`${app.url}/wait`);
    await expect.poll(() => app.told).toContain('waiting');
    app.child.send('reject');
    await begun(app);
    app.child.send('release');
    expect(await text(await slow)).toBe('done');
    expect(await app.exit).toBe(1);
    expect(app.lines()).toContainEqual(
      expect.objectContaining({ level: 'fatal', err: expect.objectContaining({ message: 'nobody handles this' }) }),
    );
  });
});

describe('the limits', () => {
  it('must fit into the grace period, else a shutdown would be killed half-way', () => {
    expect(() => tryService({ shutdown: { drainMs: 30_000 } })).toThrow(/31500 ms.*killed after 10000 ms/);
    expect(() => tryService({ shutdown: { drainMs: 30_000, graceMs: 40_000 } })).not.toThrow();
    expect(() => tryService({ shutdown: { hooksMs: -1 } })).toThrow(/shutdown.hooksMs/);
    expect(() => tryService({ shutdown: { announceMs: Number.NaN } })).toThrow(/shutdown.announceMs/);
  });
});

describe('a stream', () => {
  it('opened while the others are told to end is told at once', async () => {
    const { service } = tryService();
    await service.shutdown();
    let told = false;
    service.stream(() => void (told = true));
    expect(told).toBe(true);
  });

  it('that cannot be ended does not keep the others from hearing', async () => {
    const { service, lines } = tryService();
    let told = false;
    service.stream(() => {
      throw new Error('already gone');
    });
    service.stream(() => void (told = true));
    await service.shutdown();
    expect(told).toBe(true);
    expect(lines).toContainEqual(expect.objectContaining({ part: 'streams', msg: 'could not drain' }));
  });
});
