import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseSelector, riseOf } from '../../src/analysis/index.ts';
import { freePort } from '../support/free-port.ts';
import { createCleanup, scratch, type Cleanup } from '../traffic/support.ts';
import { hasPrometheus, makePrometheus, serve } from './support.ts';

const SELECTOR = parseSelector('read_fallback_total{shape="customer-name"}');

let cleanup: Cleanup;
beforeEach(() => void (cleanup = createCleanup()));
afterEach(() => cleanup.run());

describe.skipIf(!hasPrometheus)('a counter in a real Prometheus (needs it: apt-get install prometheus)', () => {
  it('rose by what was counted in the window, instances that began in it included; before that nobody knows', async () => {
    const values: Record<string, number> = { a: 7 };
    const exporter = await serve((_request, response) => {
      response.end(
        Object.entries(values)
          .map(([pod, value]) => `read_fallback_total{shape="customer-name",pod="${pod}"} ${value}\n`)
          .join(''),
      );
    });
    cleanup.add(exporter.server, (server) => void server.close());
    const prometheus = await makePrometheus(await scratch(cleanup), [`127.0.0.1:${exporter.port}`], await freePort());
    await prometheus.start();
    cleanup.add(prometheus, (one) => one.kill());
    const rise = (overMs: number) => {
      if (SELECTOR === null) throw new Error('the selector is right');
      return riseOf({ url: prometheus.url, token: null, timeoutMs: 5_000 }, SELECTOR, overMs, new AbortController().signal);
    };
    expect(await rise(86_400_000)).toEqual({
      problem: 'it had no read_fallback_total{shape="customer-name"} at the beginning of the window',
    });
    // Windows of several scrapes, so that none is over before it was looked into. It stood at 7 before, which is nothing of the window's.
    await expect.poll(() => rise(5_000)).toEqual({ value: 0 });
    values['b'] = 2;
    await expect.poll(async () => (await rise(5_000)) as { readonly value?: number }).toMatchObject({ value: 2 });
    values['a'] = 8;
    await expect.poll(async () => ((await rise(10_000)) as { readonly value?: number }).value ?? 0).toBeGreaterThan(2);
    await prometheus.kill();
    expect(await rise(3_000)).toMatchObject({ problem: expect.stringContaining('cannot be reached') as string });
  });
});
