import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { getJson, urlOf } from './support.ts';

const PACKAGE = path.resolve(import.meta.dirname, '..');
const EXAMPLE = path.resolve(PACKAGE, '../../examples/service-kit/server.js');

/** The example and its supplier as two real servers; the supplier can be made ill. */
describe('examples/service-kit, on the package as it is built', () => {
  let ill = false;
  const seen: Record<string, unknown>[] = [];
  let supplier: Server;
  let child: ChildProcess;
  let output = '';
  let url = '';

  beforeAll(async () => {
    const tsc = createRequire(import.meta.url)
      .resolve('typescript/package.json')
      .replace('package.json', 'bin/tsc');
    const build = spawnSync(process.execPath, [tsc, '-p', path.join(PACKAGE, 'tsconfig.build.json')], { encoding: 'utf8' });
    if (build.status !== 0) throw new Error(build.stdout);
    supplier = createServer((request, response) => {
      seen.push(request.headers);
      if (ill) response.writeHead(500).end();
      else response.end(JSON.stringify({ cents: 300 }));
    }).listen(0, '127.0.0.1');
    await once(supplier, 'listening');
    child = spawn(process.execPath, [EXAMPLE], {
      cwd: path.dirname(EXAMPLE),
      env: {
        PATH: process.env['PATH'],
        PORT: '0',
        SUPPLIER_URL: urlOf(supplier),
        SUPPLIER_TOKEN: 'hunter2-token',
        BREAKER_OPEN_MS: '300',
        REFRESH_MS: '60000',
      },
    });
    child.stdout?.on('data', (chunk) => void (output += String(chunk)));
    child.stderr?.on('data', (chunk) => void (output += String(chunk)));
    const port = await vi.waitUntil(() => /"port":(\d+).*"listening"/.exec(output)?.[1], { timeout: 30_000 });
    url = `http://127.0.0.1:${port}`;
  });
  afterAll(() => {
    child.kill('SIGKILL');
    supplier.close();
  });

  it('quotes the supplier, and passes the trace on', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    expect(await getJson(`${url}/quotes/tea`, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` })).toEqual({
      status: 200,
      body: { cents: 300, stale: false },
    });
    expect(seen.at(-1)).toMatchObject({ traceparent: expect.stringContaining(traceId), authorization: 'Bearer hunter2-token' });
  });

  it('gives the last known quote in an outage, stops asking, says so, and stays alive', async () => {
    ill = true;
    for (let call = 0; call < 6; call += 1) expect((await getJson(`${url}/quotes/tea`)).body).toEqual({ cents: 300, stale: true });
    expect(await getJson(`${url}/quotes/coffee`)).toMatchObject({ status: 503 });
    expect(await getJson(`${url}/health/ready`)).toEqual({
      status: 200,
      body: { status: 'degraded', reason: 'degraded: breaker supplier' },
    });
    expect((await getJson(`${url}/health`)).body).toMatchObject({ name: 'quotes', version: '1.0.0' });
    expect((await getJson(`${url}/health/live`)).status).toBe(200);
  });

  it('recovers with the supplier', async () => {
    ill = false;
    await expect.poll(async () => (await getJson(`${url}/quotes/tea`)).body, { timeout: 10_000 }).toEqual({ cents: 300, stale: false });
    expect((await getJson(`${url}/health/ready`)).body).toEqual({ status: 'ok' });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toMatch(/^http_requests_total\{method="GET",route="\/quotes\/:item",status="503",version="1.0.0"\} [1-9]/m);
    expect(metrics).toContain('circuit_breaker_state{breaker="supplier",state="closed",version="1.0.0"} 1');
  });

  it('ends in order, and its log never held the token', async () => {
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output).not.toContain('hunter2');
  });
});
