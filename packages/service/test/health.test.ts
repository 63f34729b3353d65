import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceOptions } from '../src/index.ts';
import { type Tried, getJson, tryService, urlOf } from './support.ts';

const open: Tried[] = [];
afterEach(async () => {
  for (const { service } of open.splice(0)) await service.shutdown();
});

async function serve(options: ServiceOptions = {}, prepare: (tried: Tried) => void = () => undefined): Promise<Tried & { url: string }> {
  const tried = tryService(options);
  open.push(tried);
  prepare(tried);
  const server = await tried.service.listen((_request, response) => void response.end('hello'), { port: 0 });
  return { ...tried, url: urlOf(server) };
}

const failing = (): never => {
  throw new Error('connect ECONNREFUSED postgres://shop:hunter2@db/shop');
};

describe('liveness', () => {
  it('does not fail with a required dependency or under load: a restart would help nobody', async () => {
    const releases: (() => void)[] = [];
    const { service } = tryService({ checks: { database: failing } });
    const server = await service.listen((_request, response) => void releases.push(() => response.end()), { port: 0 });
    const load = Array.from({ length: 50 }, () => fetch(urlOf(server)));
    await expect.poll(() => releases.length).toBe(50);

    expect(await getJson(`${urlOf(server)}/health/live`)).toEqual({ status: 200, body: { status: 'ok' } });
    expect((await getJson(`${urlOf(server)}/health/ready`)).status).toBe(503);

    for (const release of releases) release();
    await Promise.all(load);
    await service.shutdown();
  });
});

describe('readiness', () => {
  it('is ok, degraded or down by what the dependencies say', async () => {
    const { url } = await serve({ checks: { database: () => undefined } });
    expect(await getJson(`${url}/health/ready`)).toEqual({ status: 200, body: { status: 'ok' } });

    const reduced = await serve({ checks: { mail: { check: failing, required: false }, replica: () => ({ degraded: '40 s behind' }) } });
    expect(await getJson(`${reduced.url}/health/ready`)).toEqual({
      status: 200,
      body: { status: 'degraded', reason: 'degraded: mail, replica' },
    });

    const down = await serve({ checks: { database: failing } });
    expect(await getJson(`${down.url}/health/ready`)).toEqual({ status: 503, body: { status: 'down', reason: 'down: database' } });
  });

  it('does not wait for a dependency that hangs, and tells it to let go', async () => {
    let let_go = false;
    const hang = (signal: AbortSignal): Promise<void> =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          let_go = true;
        });
      });
    const { url } = await serve({ checks: { database: { check: hang, timeoutMs: 20 } } });
    expect((await getJson(`${url}/health/ready`)).status).toBe(503);
    expect((await getJson(`${url}/health`)).body).toMatchObject({ checks: { database: { reason: 'no answer within 20 ms' } } });
    expect(let_go).toBe(true);
  });

  it('asks a dependency once, however many probes come, and again when the answer is old', async () => {
    let asked = 0;
    const count = (): void => {
      asked += 1;
    };
    const cached = await serve({ checks: { database: { check: count, cacheMs: 60_000 } } });
    await Promise.all(Array.from({ length: 20 }, () => getJson(`${cached.url}/health/ready`)));
    await getJson(`${cached.url}/health/ready`);
    expect(asked).toBe(1);

    asked = 0;
    const fresh = await serve({ checks: { database: { check: count, cacheMs: 0 } } });
    await getJson(`${fresh.url}/health/ready`);
    await getJson(`${fresh.url}/health/ready`);
    expect(asked).toBe(2);
  });
});

describe('the start', () => {
  it('is over when its hooks have run: until then alive, not started, not ready', async () => {
    const { service } = tryService();
    let warm = (): void => undefined;
    service.onStart('cache', () => new Promise<void>((resolve) => void (warm = resolve)));
    const server = service.createServer((_request, response) => void response.end());
    const listening = service.listen(server, { port: 0 });
    await expect.poll(() => server.listening).toBe(true);

    expect((await getJson(`${urlOf(server)}/health/live`)).status).toBe(200);
    expect(await getJson(`${urlOf(server)}/health/startup`)).toEqual({ status: 503, body: { status: 'starting' } });
    expect(await getJson(`${urlOf(server)}/health/ready`)).toEqual({ status: 503, body: { status: 'down', reason: 'starting' } });

    warm();
    await listening;
    expect((await getJson(`${urlOf(server)}/health/startup`)).status).toBe(200);
    expect((await getJson(`${urlOf(server)}/health/ready`)).status).toBe(200);
    await service.shutdown();
  });

  it('that fails ends the process with code 1 and says which hook it was', async () => {
    const { service, lines, codes } = tryService();
    service.onStart('cache', failing);
    await service.listen((_request, response) => void response.end(), { port: 0 });
    expect(codes).toEqual([1]);
    expect(lines).toContainEqual(expect.objectContaining({ level: 'fatal', hook: 'cache' }));
  });
});

describe('/health', () => {
  it('tells the machine itself what runs here, without passwords', async () => {
    const { url } = await serve({ checks: { database: failing } });
    const { status, body } = await getJson(`${url}/health`);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      name: 'shop',
      version: '1.2.3',
      gitSha: 'abc123',
      phase: 'running',
      checks: { database: { status: 'down' } },
    });
    expect(body['uptimeSeconds']).toBeTypeOf('number');
    expect(JSON.stringify(body)).not.toContain('hunter2');
  });

  it.each(['x-forwarded-for', 'forwarded', 'via', 'x-real-ip'])('is not there for who comes through a router (%s)', async (header) => {
    const { url } = await serve();
    expect(await getJson(`${url}/health`, { [header]: '203.0.113.9' })).toEqual({ status: 404, body: { error: 'not found' } });
    expect((await getJson(`${url}/metrics`, { [header]: '203.0.113.9' })).status).toBe(404);
    expect((await getJson(`${url}/health/ready`, { [header]: '203.0.113.9' })).status).toBe(200);
  });

  it('is there for who has the token, from anywhere', async () => {
    const { url } = await serve({ internal: { token: 'let-me-in', loopback: false } });
    expect((await getJson(`${url}/health`)).status).toBe(404);
    expect((await getJson(`${url}/health`, { authorization: 'Bearer let-me-out' })).status).toBe(404);
    expect((await getJson(`${url}/health`, { authorization: 'Bearer let-me-in', 'x-forwarded-for': '203.0.113.9' })).status).toBe(200);
  });

  it('leaves the version to readiness only where that was asked for', async () => {
    const { url } = await serve({ showVersion: true });
    const { body } = await getJson(`${url}/health/ready`, { 'x-forwarded-for': '203.0.113.9' });
    expect(body).toEqual({ status: 'ok', version: '1.2.3' });
  });

  it('leaves every other path and method to the application', async () => {
    const { url } = await serve();
    expect(await (await fetch(`${url}/health/other`)).text()).toBe('hello');
    expect(await (await fetch(`${url}/health/ready`, { method: 'POST' })).text()).toBe('hello');
    expect((await fetch(`${url}/health/ready`, { method: 'HEAD' })).status).toBe(200);
  });
});
