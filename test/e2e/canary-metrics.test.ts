import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPrometheus, makePrometheus, type RunningPrometheus } from '../analysis/support.ts';
import { freePort } from '../support/free-port.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, type Users } from './support/users.ts';

const observe = watchFor('2s');

/** Counts payments of every version at a steady pace, as the versions' own processes would. */
function payments(failing: () => string | null): { readonly server: Server; stop(): void } {
  const totals = new Map(['1.0.0', '1.1.0', '1.2.0'].map((version) => [version, { ok: 0, failed: 0 }]));
  const timer = setInterval(() => {
    for (const [version, counts] of totals) {
      if (version === failing()) counts.failed += 5;
      counts.ok += 20;
    }
  }, 100);
  const server = createServer((_request, response) => {
    const lines = [...totals].flatMap(([version, { ok, failed }]) => [
      `payments_total{version="${version}",result="ok"} ${ok}`,
      `payments_total{version="${version}",result="failed"} ${failed}`,
    ]);
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`${lines.join('\n')}\n`);
  }).listen(0, '127.0.0.1');
  return { server, stop: () => (clearInterval(timer), server.close()) };
}

describe.skipIf(!hasPrometheus)('a canary judged by payments too (needs Prometheus: apt-get install prometheus)', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users | undefined;
  let prometheus: RunningPrometheus;
  let failing: string | null = null;
  let exporter: ReturnType<typeof payments>;
  let config: Readonly<Record<string, unknown>>;
  beforeAll(async () => {
    rig = await makeSmallRig();
    exporter = payments(() => failing);
    await until('the exporter listens', () => exporter.server.listening);
    const { port } = exporter.server.address() as AddressInfo;
    prometheus = await makePrometheus(join(rig.folder, 'prometheus'), [`127.0.0.1:${port}`], await freePort());
    await prometheus.start();
    const tolerant = { clean: '2%', warmup: '0s' };
    config = {
      observe,
      strategy: {
        name: 'canary',
        because: 'a test',
        schedule: [{ weight: '20%', for: '1s' }],
        every: '200ms',
        errors: tolerant,
        latency: { ...tolerant, clean: '20%', 'least-bad': 1_000 },
      },
      metrics: {
        payments: {
          ...tolerant,
          from: 'prometheus',
          url: prometheus.url,
          requests: 'sum(payments_total{version="{{version}}"})',
          bad: 'sum(payments_total{version="{{version}}",result="failed"})',
          every: '1s',
        },
      },
    };
    service = await rig.service('till');
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('release'), 0);
    const sent = sendUsers(service.port, 200);
    users = sent;
    await until('the router has seen enough for a percentile', () => sent.met().requests > 1_200);
  }, 180_000);
  afterAll(async () => {
    await users?.stop();
    await prometheus.kill();
    exporter.stop();
    await rig.close();
  }, 180_000);

  it('holds its weight while Prometheus hangs and when it is killed, says so, and goes on when it is back', async () => {
    await service.commit('1.1.0', { config });
    expectSaid(await service.slipway('plan', '--json'), 0, /payments \(prometheus\): 0 bad of \d+ by 1\.0\.0/);
    prometheus.hang();
    expectSaid(await service.slipway('plan', '--json'), 0, /payments \(prometheus\): silent: .*did not answer within/);
    expectSaid(await service.slipway('release', '--detach'), 0);
    const shown = async (): Promise<string> => (await service.slipway('show')).said.replaceAll(/\s+/g, ' ');
    const isHeld = async (why: string): Promise<boolean> =>
      new RegExp(`payments: its source prometheus gives no counts.*${why}`).test(await shown());
    await until('it is held', () => isHeld('did not answer within'), 60_000);
    await prometheus.kill();
    await until('it is held still', () => isHeld('nobody listens there'), 60_000);
    expect((await service.status()).inFlight).toBe(1);
    await prometheus.start();
    await until('everybody is on it', async () => (await service.status()).inFlight === 0, 90_000);
    await expectUnharmed(service, '1.1.0');
    expectSaid(await service.slipway('replay'), 0, 'every verdict is the recorded one');
  }, 240_000);

  it('is taken back for payments that fail while every answer is 200', async () => {
    failing = '1.2.0';
    await service.commit('1.2.0', { config });
    expectSaid(await service.slipway('release'), 11, /payments: .* of the canary's requests were bad/);
    await expectUnharmed(service, '1.1.0');
    expectSaid(await service.slipway('replay'), 0, 'every verdict is the recorded one', /payments: .*were bad/);
  }, 180_000);
});
