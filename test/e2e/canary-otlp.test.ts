import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/kernel/index.ts';
import { agentStatus } from '../../src/server/index.ts';
import { signalOne } from '../support/signal.ts';
import { agentPid } from './support/agent.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { freePort } from '../support/free-port.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, type Users } from './support/users.ts';

const VERSIONS = ['1.0.0', '1.1.0', '1.2.0'];
const EXPORT_MS = 250;

const attributes = (of: Readonly<Record<string, string>>) =>
  Object.entries(of).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const nanos = (ms: number): string => `${Math.floor(ms)}000000`;

/** Sends every version's payments so far again and again, as SDKs would; goes on while nobody listens. */
function sendPayments(service: string, port: number, failing: () => string | null): () => void {
  const startTimeUnixNano = nanos(systemClock.now());
  const totals = VERSIONS.map((version) => ({ version, ok: 0, failed: 0 }));
  const resource = ({ version, ok, failed }: (typeof totals)[number]) => ({
    resource: { attributes: attributes({ 'service.name': service, 'service.version': version, 'service.instance.id': 'a' }) },
    scopeMetrics: [
      { metrics: [{ name: 'payments', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points({ ok, failed }) } }] },
    ],
  });
  const points = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).map(([result, value]) => ({
      attributes: attributes({ result }),
      startTimeUnixNano,
      timeUnixNano: nanos(systemClock.now()),
      asInt: String(value),
    }));
  const timer = setInterval(() => {
    for (const one of totals) {
      one.ok += 50;
      if (one.version === failing()) one.failed += 12;
    }
    const body = JSON.stringify({ resourceMetrics: totals.map(resource) });
    const headers = { 'content-type': 'application/json' };
    void fetch(`http://127.0.0.1:${port}/v1/metrics`, { method: 'POST', headers, body }).catch(() => undefined);
  }, EXPORT_MS);
  return () => clearInterval(timer);
}

describe('a canary judged by payments that are sent over OTLP', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users;
  let stopPayments: () => void;
  let address: string;
  let failing: string | null = null;
  const tolerant = { clean: '10%', warmup: '0s' };
  const config = {
    strategy: {
      name: 'canary',
      because: 'a test',
      schedule: [{ weight: '20%', for: '1s' }],
      every: '200ms',
      errors: tolerant,
      latency: { ...tolerant, clean: '30%', 'least-bad': 1_000 },
    },
    metrics: { payments: { ...tolerant, from: 'otlp', requests: 'payments', bad: 'payments{result="failed"}', every: '1s' } },
    observe: watchFor('1s'),
  };
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('till');
    const port = await freePort();
    address = `127.0.0.1:${port}`;
    stopPayments = sendPayments('till', port, () => failing);
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('agent', 'start', '--otlp', address), 0);
    expectSaid(await service.slipway('release'), 0);
    users = sendUsers(service.port, 200);
  }, 180_000);
  afterAll(async () => {
    stopPayments();
    await users.stop();
    await rig.close();
  }, 180_000);

  /** How often a step of the newest release was begun. */
  const attemptsOf = async (id: string): Promise<number> => {
    const { stages } = JSON.parse((await service.slipway('show', '--json')).stdout) as {
      readonly stages: readonly { readonly steps: readonly { readonly id: string; readonly attempt: number }[] }[];
    };
    return stages.flatMap(({ steps }) => steps).find((step) => step.id === id)?.attempt ?? 0;
  };

  it('is asked for by an agent that does so already, and refused by one that does not', async () => {
    expectSaid(await service.slipway('agent', 'start', '--otlp', address), 0, 'Runs already');
    expectSaid(await service.slipway('agent', 'start', '--otlp', '9'), 24, `receives metrics on ${address}, and goes on so`, '--otlp 9');
    expectSaid(await service.slipway('doctor', '--json'), 0, /payments \(otlp\): 0 bad of \d+ by 1\.0\.0/);
  }, 180_000);

  it('is released when the agent that receives them is killed on the way and started again', async () => {
    await service.commit('1.1.0', { config });
    expectSaid(await service.slipway('release', '--detach'), 0);
    await until('it is judged', async () => (await attemptsOf('deploy.judge-20')) > 0);
    signalOne(await agentPid(rig.home));
    await until('the agent is gone', async () => (await agentStatus(rig.home)) === null);
    // Whoever starts it knows of no address.
    expectSaid(await service.slipway('agent', 'start'), 0, `metrics on ${address}`);
    await until('everybody is on it', async () => (await service.status()).inFlight === 0, 90_000);
    await expectUnharmed(service, '1.1.0');
    expectSaid(await service.slipway('replay'), 0, 'every verdict is the recorded one');
  }, 180_000);

  it('is taken back for payments that fail while every answer is 200', async () => {
    failing = '1.2.0';
    await service.commit('1.2.0', { config });
    expectSaid(await service.slipway('release'), 11, /payments: .* of the canary's requests were bad/);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);

  it('is not to be had from an agent that receives none, and the doctor says so', async () => {
    expectSaid(await service.slipway('agent', 'stop'), 0);
    expectSaid(await service.slipway('agent', 'start', '--otlp', 'none'), 0);
    const { exit, stdout, said } = await service.slipway('doctor', '--json');
    expect(exit, said).toBe(6);
    const { checks } = JSON.parse(stdout) as { checks: readonly { name: string; verdict: string; reason: string; fix?: string }[] };
    expect(checks.find(({ name }) => name === 'metrics')).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(
        /^till\/dev: errors \(router\): .*; payments \(otlp\): silent: the agent takes no OTLP: start it with/,
      ) as string,
      fix: expect.stringContaining('a canary is held') as string,
    });
  }, 180_000);
});
