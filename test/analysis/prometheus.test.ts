import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createService } from '../../packages/service/src/index.ts';
import { checkedReading, createPrometheusSource, factOf, type FactState } from '../../src/analysis/index.ts';
import { sourceContract, type SourceHarness } from '../../src/analysis/contract.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { freePort } from '../support/free-port.ts';
import { createCleanup, scratch, type Cleanup } from '../traffic/support.ts';
import { hasPrometheus, makePrometheus, QUESTION, serve } from './support.ts';

const ASK = {
  kind: 'counts',
  requests: 'sum(payments_total{version="{{version}}"})',
  bad: 'sum(payments_failed_total{version="{{version}}"}) # failures',
} as const;

/** The stable version and the canary of {@link QUESTION}. */
const VERSIONS = [QUESTION.stable.version, QUESTION.canary.version];

async function makeHarness(): Promise<SourceHarness> {
  const cleanup = createCleanup();
  const totals = { canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } };
  const exporter = await serve((_request, response) => {
    const lines = (['canary', 'stable'] as const).flatMap((side) => [
      `payments_total{version="${QUESTION[side].version}"} ${totals[side].requests}`,
      `payments_failed_total{version="${QUESTION[side].version}"} ${totals[side].bad}`,
    ]);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`${lines.join('\n')}\n`);
  });
  cleanup.add(exporter.server, (server) => void server.close());
  const prometheus = await makePrometheus(await scratch(cleanup), [`127.0.0.1:${exporter.port}`], await freePort());
  await prometheus.start();
  return {
    source: () => createPrometheusSource({ url: prometheus.url, token: null, ask: ASK, timeoutMs: 5_000 }),
    question: QUESTION,
    count: async (more) => {
      for (const side of ['canary', 'stable'] as const) {
        totals[side].requests += more[side].requests;
        totals[side].bad += more[side].bad;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
    settled: () => prometheus.scraped(),
    reset: async () => {
      Object.assign(totals, { canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } });
    },
    kill: () => prometheus.kill(),
    revive: () => prometheus.start(),
    close: async () => {
      await prometheus.kill();
      await cleanup.run();
    },
  };
}

describe.skipIf(!hasPrometheus)('a real Prometheus (needs it: apt-get install prometheus)', () => {
  sourceContract('prometheus', { unknownVersion: 'silent' }, makeHarness);

  it('tells the facts of docs/metrics.md of services that use @slipway/service', async () => {
    const cleanup = createCleanup();
    const services = VERSIONS.map((version) => createService({ name: 'shop', version, signals: false }));
    const breakers = services.map((service) => service.breaker('payments', { minimum: 1, window: 1 }));
    await breakers[1]?.run(() => Promise.reject(new Error('down'))).catch(() => undefined);
    const counting = setInterval(() => {
      for (const { metrics } of services) metrics.begin()({ method: 'GET', route: '/', status: 200, seconds: 0.1 });
    }, 50);
    cleanup.add(counting, (timer) => clearInterval(timer));
    const exporters = await Promise.all(
      services.map(({ metrics: { registry } }) =>
        serve((_request, response) => {
          response.setHeader('content-type', registry.contentType);
          void registry.metrics().then((text) => response.end(text));
        }),
      ),
    );
    for (const { server } of exporters) cleanup.add(server, (one) => void one.close());
    const targets = exporters.map(({ port }) => `127.0.0.1:${port}`);
    const prometheus = await makePrometheus(await scratch(cleanup), targets, await freePort());
    cleanup.add(prometheus, (one) => one.kill());
    try {
      await prometheus.start();
      const [example = ''] = /```yaml\nstrategy:[^`]*judge: documented[^`]*/.exec(await readFile('docs/metrics.md', 'utf8')) ?? [];
      const text = `service: shop\nlisten: 8080\nrun: node server.js\n${example.replace('```yaml', '')}`;
      const { facts = [] } = parseConfig(text, { file: 'slipway.yaml' }).strategy.canary ?? {};
      const told = async (): Promise<Readonly<Record<string, FactState>>> => {
        const all = facts.map(async ({ fact, source }) => {
          if (source.from !== 'prometheus') throw new Error('the example is of Prometheus');
          const asked = createPrometheusSource({ url: prometheus.url, token: null, ask: source.ask, timeoutMs: 5_000 });
          const reading = checkedReading(await asked.read(QUESTION, new AbortController().signal), systemClock.now());
          return [fact, factOf(fact, reading, 0)] as const;
        });
        return Object.fromEntries(await Promise.all(all));
      };
      // A rate needs two scrapes.
      await expect
        .poll(async () => Object.values(await told()).map(({ silent }) => silent), { timeout: 20_000 })
        .toEqual([null, null, null, null]);
      const { cpu, memory, 'memory-of-limit': ofLimit, breakers: open } = await told();
      expect(cpu?.values?.canary).toBeGreaterThan(0);
      expect(memory?.values?.stable).toBeGreaterThan(1_000_000);
      expect(ofLimit?.values?.canary).toBeLessThan(1);
      expect(open?.values).toEqual({ canary: 1, stable: 0 });
    } finally {
      await cleanup.run();
    }
  }, 60_000);
});

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

interface Part {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

describe('a Prometheus that answers something else', () => {
  let cleanup: Cleanup;
  let answer: Answer;
  let port: number;
  beforeEach(async () => {
    cleanup = createCleanup();
    const served = await serve((request, response) => answer(request, response));
    port = served.port;
    cleanup.add(served.server, (server) => {
      server.closeAllConnections();
      server.close();
    });
  });
  afterEach(() => cleanup.run());

  const read = (ask: Parameters<typeof createPrometheusSource>[0]['ask'] = ASK) =>
    createPrometheusSource({ url: `http://127.0.0.1:${port}`, token: 'abc', ask, timeoutMs: 2_000 }).read(
      QUESTION,
      new AbortController().signal,
    );
  const json =
    (body: unknown, status = 200): Answer =>
    (_request: IncomingMessage, response: ServerResponse) => {
      response.statusCode = status;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(body));
    };
  const part = (slipway_part: string, value: string, labels: Readonly<Record<string, string>> = {}): Part => ({
    metric: { slipway_part, ...labels },
    value: [1_800_000_000.5, value],
  });
  const good: readonly Part[] = [
    part('canary requests', '10'),
    part('canary bad', '1'),
    part('stable requests', '100'),
    part('stable bad', '2'),
  ];
  const vector = (result: readonly unknown[], more: object = {}): Answer =>
    json({ status: 'success', data: { resultType: 'vector', result }, ...more });
  const without = (name: string) => good.filter(({ metric }) => metric['slipway_part'] !== name);

  it('is asked once for all of it, and read', async () => {
    let asked = '';
    answer = (request, response) => {
      request.on('data', (chunk: Buffer) => (asked += chunk.toString()));
      request.on('end', () => vector(good)(request, response));
    };
    expect(await read()).toEqual({
      kind: 'counts',
      at: 1_800_000_000_500,
      epoch: '',
      versions: { canary: { requests: 10, bad: 1 }, stable: { requests: 100, bad: 2 } },
    });
    expect(new URLSearchParams(asked).get('query')).toContain('payments_total{version="1.1.0"}');
  });

  it.each([
    ['nothing', vector([]), /no series of canary requests/],
    ['no failures', vector(without('canary bad')), /canary bad; where none means zero, write `\.\.\. or vector\(0\)`/],
    ['NaN', vector([...without('stable bad'), part('stable bad', 'NaN')]), /stable bad is not a number/],
    ['infinity', vector([...without('stable bad'), part('stable bad', '+Inf')]), /Infinity/],
    ['two series', vector([...good, part('canary bad', '3', { pod: 'b' })]), /2 series of canary bad.*sum/],
    ['a rate', vector([...without('canary bad'), part('canary bad', '0.25')]), /0\.25: counts are whole numbers/],
    ['a string', json({ status: 'success', data: { resultType: 'string', result: [1, 'x'] } }), /gives a string/],
    ['a range', json({ status: 'success', data: { resultType: 'matrix', result: [] } }), /gives a matrix/],
    ['a scalar', json({ status: 'success', data: { resultType: 'scalar', result: [1, '1'] } }), /gives a scalar/],
    [
      'a refusal',
      json({ status: 'error', errorType: 'bad_data', error: 'parse error: unexpected end' }, 400),
      /refused the query: parse error/,
    ],
    ['part of the stores', vector(good, { warnings: ['store b is away'] }), /store b is away/],
    ['other JSON', json({ hello: 'world' }), /not a Prometheus answer/],
    ['no permission', json({}, 401), /token is missing, or wrong/],
    ['an error', json({}, 500), /answered 500/],
    [
      'HTML',
      (_request: IncomingMessage, response: ServerResponse): unknown => response.setHeader('content-type', 'text/html').end('<html>'),
      /text\/html, which is no JSON/,
    ],
    [
      'too much',
      (_request: IncomingMessage, response: ServerResponse): unknown => response.end('x'.repeat(2_000_000)),
      /more than 1024 KiB/,
    ],
    ['nothing in time', () => undefined, /within 2000 ms/],
    ['a broken connection', (request: IncomingMessage) => void request.socket.destroy(), /cannot be reached/],
  ] as readonly (readonly [string, Answer, RegExp])[])('is silent, and says why: %s', async (_name, given, reason) => {
    answer = given;
    expect(await read()).toMatchObject({ kind: 'silent', reason: expect.stringMatching(reason) as string });
  });

  it('gives buckets, each without those below', async () => {
    const bucket = (side: string, le: string, value: string) => part(`${side} histogram`, value, { le });
    const all = ['canary', 'stable'].flatMap((side) => [bucket(side, '+Inf', '10'), bucket(side, '0.5', '9'), bucket(side, '0.1', '4')]);
    const ask = { kind: 'histogram', histogram: 'sum by (le) (x_bucket{version="{{version}}"})' } as const;
    answer = vector(all);
    const histogram = { bounds: [0.1, 0.5, null], counts: [4, 5, 1] };
    expect(await read(ask)).toMatchObject({ kind: 'histogram', versions: { canary: histogram, stable: histogram } });
    answer = vector(all.filter(({ metric }) => metric['le'] !== '+Inf'));
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('+Inf') as string });
    answer = vector([...all, bucket('canary', '0.7', '2')]);
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('contradict') as string });
    answer = vector([...all, bucket('canary', '0.5', '9')]);
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('several series of one bucket') as string });
    answer = vector(all.map((one) => (one.metric['le'] === '0.5' ? { ...one, value: [1, 'NaN'] } : one)));
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('contradict') as string });
    answer = vector([]);
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('no buckets of canary') as string });
    answer = vector(good.map((one) => ({ ...one, metric: { slipway_part: 'canary histogram' } })));
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringContaining('keep the label le') as string });
  });

  it.each([
    ['nothing', [], /no series of canary gauge: not scraped/],
    ['NaN', [part('canary gauge', 'NaN'), part('stable gauge', '1')], /canary gauge is not a number/],
    [
      'two series',
      [part('canary gauge', '1'), part('canary gauge', '2', { pod: 'b' }), part('stable gauge', '1')],
      /2 series of canary gauge/,
    ],
  ] as const)('is silent about a gauge of which it says %s', async (_name, result, reason) => {
    answer = vector(result);
    const ask = { kind: 'gauge', gauge: 'max(x{version="{{version}}"})' } as const;
    expect(await read(ask)).toMatchObject({ kind: 'silent', reason: expect.stringMatching(reason) as string });
  });

  it('nobody is there, or the address holds credentials', async () => {
    const ask = (url: string) =>
      createPrometheusSource({ url, token: null, ask: ASK, timeoutMs: 2_000 }).read(QUESTION, new AbortController().signal);
    expect(await ask(`http://127.0.0.1:${await freePort()}`)).toMatchObject({
      reason: expect.stringContaining('nobody listens there') as string,
    });
    const told = await ask('http://ann:hunter2@127.0.0.1:1');
    expect(told).toMatchObject({ kind: 'silent', reason: expect.stringContaining('credentials') as string });
    expect(JSON.stringify(told)).not.toContain('hunter2');
    expect(await ask('nonsense')).toMatchObject({ kind: 'silent' });
  });
});
