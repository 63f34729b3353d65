import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createAdaptorServer } from '@hono/node-server';
import { describe, expect, it } from 'vitest';
import { createOtlpDoors, createOtlpSource } from '../../src/analysis/index.ts';
import { sourceContract, type SourceHarness } from '../../src/analysis/contract.ts';
import { systemClock, type Clock } from '../../src/kernel/index.ts';
import { freePort } from '../support/free-port.ts';
import { createCleanup, scratch } from '../traffic/support.ts';
import { QUESTION } from './support.ts';

const SIDES = ['canary', 'stable'] as const;
const zero = () => ({ canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } });
const done = async (): Promise<void> => undefined;

interface Receiver {
  readonly port: number;
  readonly socketPath: string;
  stop(): Promise<void>;
}

async function startReceiver(folder: string, port: number, epoch: string, clock: Clock = systemClock): Promise<Receiver> {
  const { receiver, readings } = await createOtlpDoors(epoch, clock);
  const socketPath = join(folder, 'agent.sock');
  await rm(socketPath, { force: true });
  const servers = [createAdaptorServer({ fetch: receiver.fetch }), createAdaptorServer({ fetch: readings.fetch })] as const;
  await new Promise<void>((resolve) => void servers[0].listen(port, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => void servers[1].listen(socketPath, resolve));
  const stop = async (): Promise<void> =>
    void (await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))));
  return { port, socketPath, stop };
}

const nanos = (ms: number): string => `${Math.floor(ms)}000000`;

/** An export as an SDK makes it: one counter with an attribute for the result. */
function exported(
  version: string,
  values: readonly (readonly [result: string, value: number])[],
  { startedAt, temporality = 2 }: { startedAt: number; temporality?: number },
) {
  const attributes = { 'service.name': 'shop', 'service.version': version, 'service.instance.id': 'a' };
  return {
    resource: { attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })) },
    scopeMetrics: [
      {
        metrics: [
          {
            name: 'payments',
            sum: {
              aggregationTemporality: temporality,
              isMonotonic: true,
              dataPoints: values.map(([result, value]) => ({
                attributes: [{ key: 'result', value: { stringValue: result } }],
                startTimeUnixNano: nanos(startedAt),
                timeUnixNano: nanos(systemClock.now() + systemClock.monotonic() / 1e6),
                asInt: String(value),
              })),
            },
          },
        ],
      },
    ],
  };
}

const send = (port: number, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/v1/metrics`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const OTLP_ASK = { kind: 'counts', requests: 'payments', bad: 'payments{result="failed"}' } as const;

async function otlpHarness(): Promise<SourceHarness> {
  const cleanup = createCleanup();
  const folder = await scratch(cleanup);
  const port = await freePort();
  let epoch = 0;
  let receiver: Receiver | null = await startReceiver(folder, port, 'e0');
  const startedAt = systemClock.now();
  const totals = zero();
  const restart = async (): Promise<void> => {
    await receiver?.stop();
    receiver = await startReceiver(folder, port, `e${++epoch}`);
  };
  return {
    source: () => createOtlpSource({ socketPath: join(folder, 'agent.sock'), ask: OTLP_ASK, timeoutMs: 60_000 }),
    question: QUESTION,
    count: async (more) => {
      for (const side of SIDES) {
        totals[side].requests += more[side].requests;
        totals[side].bad += more[side].bad;
      }
      const resourceMetrics = SIDES.map((side) =>
        exported(
          QUESTION[side].version,
          [
            ['ok', totals[side].requests - totals[side].bad],
            ['failed', totals[side].bad],
          ],
          { startedAt },
        ),
      );
      const answer = await send(port, gzipSync(JSON.stringify({ resourceMetrics })), { 'content-encoding': 'gzip' });
      expect(await answer.json()).toEqual({});
    },
    settled: done,
    reset: restart,
    kill: async () => {
      await receiver?.stop();
      receiver = null;
    },
    revive: restart,
    close: async () => {
      await receiver?.stop();
      await cleanup.run();
    },
  };
}

sourceContract('otlp', { unknownVersion: 'silent' }, otlpHarness);

describe('the OTLP receiver', () => {
  const withReceiver = async (use: (receiver: Receiver) => Promise<void>, clock: Clock = systemClock): Promise<void> => {
    const cleanup = createCleanup();
    const receiver = await startReceiver(await scratch(cleanup), await freePort(), 'e', clock);
    cleanup.add(receiver, ({ stop }) => stop());
    try {
      await use(receiver);
    } finally {
      await cleanup.run();
    }
  };
  const read = ({ socketPath }: Receiver) =>
    createOtlpSource({ socketPath, ask: OTLP_ASK, timeoutMs: 60_000 }).read(QUESTION, new AbortController().signal);

  it('tells a gauge by its highest instance, as long as that is heard of', async () => {
    let now = systemClock.now();
    await withReceiver(
      async (receiver) => {
        const tell = async (version: string, instance: string, value: number): Promise<void> => {
          const attributes = { 'service.name': 'shop', 'service.version': version, 'service.instance.id': instance };
          const point = { timeUnixNano: nanos(now), asDouble: value };
          const breaker = { ...point, attributes: [{ key: 'breaker', value: { stringValue: 'payments' } }] };
          const metrics = [
            { name: 'memory', gauge: { dataPoints: [point] } },
            // What goes up and down is a gauge, whatever it is sent as.
            { name: 'open', sum: { aggregationTemporality: 2, isMonotonic: false, dataPoints: [breaker] } },
          ];
          const resource = { attributes: Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } })) };
          const body = JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] });
          expect(await (await send(receiver.port, body)).json()).toEqual({});
        };
        const read = (gauge: string) =>
          createOtlpSource({ socketPath: receiver.socketPath, ask: { kind: 'gauge', gauge }, timeoutMs: 60_000 }).read(
            QUESTION,
            new AbortController().signal,
          );
        await tell('1.0.0', 'a', 0.4);
        await tell('1.1.0', 'a', 0.95);
        await tell('1.1.0', 'b', 0.5);
        const told = (canary: number) => ({ kind: 'gauge', versions: { canary, stable: 0.4 } });
        expect(await read('memory')).toMatchObject(told(0.95));
        expect(await read('open{breaker="payments"}')).toMatchObject(told(0.95));
        expect(await read('open{breaker="orders"}')).toMatchObject({
          kind: 'silent',
          reason: 'no metric "open" with these attributes was received from 1.1.0',
        });
        now += 2 * 60_000;
        await tell('1.0.0', 'a', 0.4);
        await tell('1.1.0', 'b', 0.6);
        expect(await read('memory')).toMatchObject(told(0.95));
        now += 2 * 60_000;
        expect(await read('memory')).toMatchObject(told(0.6));
        now += 2 * 60_000;
        expect(await read('memory')).toMatchObject({ kind: 'silent', reason: expect.stringContaining('in the last 3 minutes') as string });
      },
      { ...systemClock, now: () => now },
    );
  });

  it('adds deltas up, and takes no count of before it was there', () =>
    withReceiver(async (receiver) => {
      const now = systemClock.now();
      const delta = { startedAt: now, temporality: 1 };
      const old = { startedAt: now - 3_600_000 };
      await send(
        receiver.port,
        JSON.stringify({
          resourceMetrics: [
            exported(
              '1.1.0',
              [
                ['ok', 5],
                ['failed', 1],
              ],
              delta,
            ),
            exported(
              '1.0.0',
              [
                ['ok', 9_000],
                ['failed', 50],
              ],
              old,
            ),
          ],
        }),
      );
      await send(
        receiver.port,
        JSON.stringify({
          resourceMetrics: [
            exported(
              '1.0.0',
              [
                ['ok', 9_010],
                ['failed', 51],
              ],
              old,
            ),
          ],
        }),
      );
      expect(await read(receiver)).toMatchObject({
        kind: 'counts',
        versions: { canary: { requests: 6, bad: 1 }, stable: { requests: 11, bad: 1 } },
      });
    }));

  it('counts a process that was started again from zero', () =>
    withReceiver(async (receiver) => {
      const now = systemClock.now();
      // In the receiver's own millisecond nobody could tell whether a process was there before it.
      for (const [value, startedAt] of [
        [10, now + 1],
        [3, now + 5],
      ] as const)
        await send(
          receiver.port,
          JSON.stringify({
            resourceMetrics: ['1.1.0', '1.0.0'].map((version) =>
              exported(
                version,
                [
                  ['ok', value],
                  ['failed', 0],
                ],
                { startedAt },
              ),
            ),
          }),
        );
      expect(await read(receiver)).toMatchObject({ versions: { canary: { requests: 13, bad: 0 } } });
    }));

  it.each([
    ['no JSON', '{', {}, 400, /cannot be read/],
    ['another shape', '{"resourceMetrics": 3}', {}, 400, /Not an ExportMetricsServiceRequest/],
    ['no gzip', 'abc', { 'content-encoding': 'gzip' }, 400, /cannot be read/],
    ['an unknown packing', '{}', { 'content-encoding': 'br' }, 400, /is not known; gzip is/],
    ['protobuf', '{}', { 'content-type': 'application/x-protobuf' }, 415, /http\/json/],
    ['too much', ' '.repeat(5_000_000), {}, 413, /4 MiB/],
  ])('refuses %s', (_name, body, headers, status, message) =>
    withReceiver(async (receiver) => {
      const answer = await send(receiver.port, body, headers);
      expect(answer.status).toBe(status);
      expect(((await answer.json()) as { message: string }).message).toMatch(message);
    }),
  );

  it('refuses a body that unpacks to too much', () =>
    withReceiver(async (receiver) => {
      const answer = await send(receiver.port, gzipSync(Buffer.alloc(20_000_000, ' ')), { 'content-encoding': 'gzip' });
      expect(answer.status).toBe(400);
    }));

  it('takes the points it can, and says which it does not', () =>
    withReceiver(async (receiver) => {
      const nobody = { ...exported('1.1.0', [['ok', 1]], { startedAt: 0 }), resource: { attributes: [] } };
      const negative = exported('1.1.0', [['ok', -1]], { startedAt: 0 });
      const strange = exported('1.1.0', [['ok', 1]], { startedAt: 0, temporality: 0 });
      const answer = await send(receiver.port, JSON.stringify({ resourceMetrics: [nobody, negative, strange] }));
      expect(await answer.json()).toMatchObject({
        partialSuccess: {
          rejectedDataPoints: '3',
          errorMessage: expect.stringMatching(/no service\.name.*not a number of 0 or more.*aggregationTemporality/) as string,
        },
      });
    }));
});
