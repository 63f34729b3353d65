import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { signalOne } from '../support/signal.ts';
import { workerPid } from './support/agent.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { openFastJudge, type FastJudge } from './support/fast-judge.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, shareOf, type Met, type Users } from './support/users.ts';

/** Tolerant enough for a test's few seconds: what is below `clean` passes without a comparison. */
const strategy = {
  name: 'canary',
  because: 'a test',
  schedule: [
    { weight: '20%', for: '1s' },
    { weight: '50%', for: '1s' },
  ],
  every: '200ms',
  errors: { clean: '2%', warmup: '0s' },
  latency: { clean: '20%', warmup: '0s', 'least-bad': 1_000 },
};
const observe = watchFor('2s');

interface StepShown {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
}

interface Shown {
  readonly outcome: string;
  readonly stages: readonly { readonly steps: readonly StepShown[] }[];
}

describe('a canary under real traffic', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users | undefined;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('bird');
    await service.commit('1.0.0', { config: { strategy, observe } });
    expectSaid(await service.slipway('plan'), 0, 'canary was asked for, but this is the first release here');
    expectSaid(await service.slipway('release'), 0);
    const sent = sendUsers(service.port, 200);
    users = sent;
    await until('the router has seen enough for a percentile', () => sent.met().requests > 1_200);
  }, 180_000);
  afterAll(async () => {
    await users?.stop();
    await rig.close();
  }, 180_000);

  const met = (): Met => users?.met() ?? { requests: 0, failed: 0, firstFailedAt: null, lastFailedAt: null };
  const shown = async (): Promise<Shown> => JSON.parse((await service.slipway('show', '--json')).stdout) as Shown;

  it('that is good gets one weight after the other, and nobody notices', async () => {
    const before = met();
    await service.commit('1.1.0', { config: { strategy, observe } });
    expectSaid(await service.slipway('release'), 0, 'deploy.weight-20', 'deploy.judge-50', 'proven to be fewer than 2 %');
    expect(met().failed).toBe(before.failed);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);

  it('that fails users is taken back by the judge, with the numbers', async () => {
    await service.commit('1.2.0', { config: { strategy, observe }, behaviour: { failsEvery: 4 } });
    expectSaid(await service.slipway('release'), 11, /1\.2\.0 at 20 %: errors: .* of the canary's requests were bad/);
    // It never had more than its fifth; how many users that are is a matter of how busy this machine is.
    expect(shareOf('1.2.0', users?.answers() ?? [])).toBeLessThan(0.4);
    expect((await shown()).outcome).toBe('rolled-back');
    expectSaid(
      await service.slipway('show'),
      0,
      'decisions',
      /canary 1\.2\.0 │.*[▂-█]/,
      '✗ FAIL errors',
      /errors FAIL: canary \d+ of \d+ bad/,
      /e-values: worse .* of/,
    );
    const { evidence, decisions } = JSON.parse((await service.slipway('show', '--json')).stdout) as {
      evidence: string;
      decisions: { verdict: string }[];
    };
    expect(decisions.map(({ verdict }) => verdict)).toEqual(['fail']);
    expect(await readFile(join(evidence, 'artifacts/decision-deploy.judge-20.errors.svg'), 'utf8')).toMatch(/^<svg .*1\.2\.0/s);
    expectSaid(await service.slipway('evidence', 'verify'), 0);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);

  it('is judged again from its ledger alone, and by another policy', async () => {
    expectSaid(await service.slipway('replay'), 0, 'every verdict is the recorded one', /deploy\.judge-20: errors: .* were bad/);
    const patient = { ...strategy, errors: { margin: 50, limit: '99%', 'least-bad': 1_000, warmup: '0s' } };
    await service.write({ 'patient.yaml': stringify({ service: 'bird', run: 'node server.js', listen: 8080, strategy: patient }) });
    expectSaid(await service.slipway('replay', '--policy', 'patient.yaml'), 0, /By the policy of patient\.yaml it would not have failed/);
    const argo = {
      name: 'canary',
      because: 'a question',
      judge: 'threshold',
      // At every reading: the canary was failed within a second, and a reading without a request would be asked for again ten seconds later.
      threshold: [{ value: 'success', success: '> 95%', window: '1m', interval: '100ms' }],
    };
    await service.write({ 'argo.yaml': stringify({ service: 'bird', run: 'node server.js', listen: 8080, strategy: argo }) });
    expectSaid(
      await service.slipway('replay', '--policy', 'argo.yaml'),
      0,
      /By the policy of argo\.yaml it would have failed/,
      'errors-success: Failed',
    );
    expectSaid(await service.slipway('replay', '--policy', 'none.yaml'), 2, 'none.yaml');
    expectSaid(await service.slipway('replay', '--env', 'prd'), 3);
    await service.restore();
  }, 180_000);

  it('tells what would be caught on the traffic that a release met, and on that of now', async () => {
    for (const from of ['latest', 'router']) {
      const asked = ['--from', from, '--schedule', '20%:10m', '--errors', '30%', '--runs', '10', '--seed', '1'];
      const ran = await service.slipway('simulate', ...asked, '--json');
      expectSaid(ran, 0, /traffic and baseline: counted by the (canary of release \w+|router in .* of 1\.1\.0)/);
      const { perMinute, baseline, canaries } = JSON.parse(ran.stdout) as { perMinute: number; baseline: number; canaries: object[] };
      // 200 a second are sent: fewer while the machine is busy, and what was due meanwhile all at once afterwards, which weighs much in the
      // second of a canary. Sixty times as many or as few would be those of an hour or a second. The stable version failed nobody.
      expect(perMinute).toBeGreaterThan(12_000 / 30);
      expect(perMinute).toBeLessThan(12_000 * 30);
      expect(baseline).toBe(0);
      expect(canaries).toMatchObject([{ errors: 0.3, failed: 1 }]);
    }
    expectSaid(await service.slipway('simulate', '--from', 'no-such-release'), 3);
  }, 180_000);

  it('waits for a person where it should, survives a killed worker there, and goes on when promoted', async () => {
    const held = { ...strategy, schedule: [{ weight: '20%', pause: true }] };
    await service.commit('1.3.0', { config: { strategy: held, observe } });
    expectSaid(await service.slipway('release', '--detach'), 0);
    const at = async (id: string): Promise<StepShown | undefined> =>
      (await shown()).stages.flatMap(({ steps }) => steps).find((step) => step.id === id);
    const looks = async (): Promise<number> => (await at('deploy.judge-20'))?.attempt ?? 0;
    await until('it is looked at', async () => (await looks()) > 1, 60_000);
    signalOne(await workerPid(rig.home));
    const before = await looks();
    await until('another worker goes on looking', async () => (await looks()) > before + 1, 60_000);
    expect((await at('deploy.switch'))?.state).toBe('pending');
    expectSaid(await service.slipway('promote'), 4, 'needs a reason');
    expectSaid(await service.slipway('promote', '--reason', 'graphs look fine'), 0, 'Recorded: promote');
    await until('everybody is on it', async () => (await service.status()).inFlight === 0, 60_000);
    expectSaid(await service.slipway('show'), 0, /promoted by ann|released/);
    await expectUnharmed(service, '1.3.0');
  }, 180_000);

  it('is taken back for a guard that its own value is above, however well it answers', async () => {
    const guards = { backlog: { from: 'command', run: 'cat backlog.json', above: 100, every: '1s' } };
    const files = { 'backlog.json': '{"canary": 500, "stable": 3}' };
    await service.commit('1.4.0', { config: { strategy, observe, guards }, files });
    expectSaid(await service.slipway('release'), 11, /1\.4\.0 at 20 %: backlog: 500 of the canary, 3 of the stable version \(limit 100\)/);
    await expectUnharmed(service, '1.3.0');
  }, 180_000);

  describe('by another judge', () => {
    // Halves: a few slow answers are then as likely on either side.
    const canary = { name: 'canary', because: 'a test', schedule: [{ weight: '50%' }], every: '5s' };
    const told = { from: 'command', every: '2m', timeout: '1h' };
    /** So many seconds to the judge are one to users. Five minutes are six seconds to `documented`: longer than a pause of the machine. */
    const judges = [
      {
        judge: 'threshold',
        speed: 100,
        // The first measurement may already pass, so it must not be of so few requests that none of them could fail.
        settings: { threshold: [{ failure: '> 5%', window: '5m', delay: '5m', interval: '1m', 'failure-limit': 1 }] },
        passed: 'pass: 1.5.0 at 50 %: errors-bad: ',
        failed: 'errors-bad: Failed',
        shown: 'failed measurements: 2, limit 1',
      },
      {
        judge: 'mann-whitney',
        speed: 100,
        // What is slow here is the machine's doing.
        settings: { 'mann-whitney': { 'least-points': 8, interval: '8m', 'allowed-increase': 100 } },
        passed: 'score 100, where 95 passes',
        failed: 'errors High',
        shown: /score of all metrics: \d+, limit 95/,
      },
      {
        judge: 'documented',
        speed: 50,
        settings: {
          documented: {
            cpu: { ...told, run: 'cat cpu.json' },
            memory: { ...told, run: 'cat memory.json' },
            'memory-of-limit': 'none',
            breakers: { ...told, run: 'cat open.json' },
          },
        },
        passed: "cpu: 1.2 times the stable version's, at most 1.5",
        failed: 'triggers: fired: an upstream circuit breaker is open',
        shown: 'an open breaker: 1, limit 0',
      },
    ];
    let fast: FastJudge | undefined;
    afterEach(() => fast?.close());

    it.each(judges.map((one, index) => ({ ...one, version: `1.5.${index}` })))(
      '$judge: bad is taken back, good is released',
      async ({ judge, speed, settings, version, passed, failed, shown }) => {
        fast = await openFastJudge(rig, service, speed);
        const change = {
          config: { strategy: { ...canary, judge, ...settings }, observe },
          // All latencies in one bucket, and long enough that a pause of the machine is no multiple of them.
          behaviour: { delayMs: 250 },
          files: {
            'cpu.json': '{"canary": 1.2, "stable": 1}',
            'memory.json': '{"canary": 100, "stable": 100}',
            'open.json': '{"canary": 0, "stable": 0}',
          },
        };
        await service.commit(`${version}-rc.1`, {
          ...change,
          behaviour: { ...change.behaviour, failsEvery: 4 },
          files: { ...change.files, 'open.json': '{"canary": 1, "stable": 0}' },
        });
        const before = (await service.served()) ?? '';
        const bad = await fast.release();
        expect(bad.judged).toContain(failed);
        expect(bad.outcome).toBe('rolled-back');
        await expectUnharmed(service, before);
        expectSaid(await service.slipway('show'), 0, 'decisions', `judge ${judge}`, '✗ FAIL', shown);
        await service.commit(version, change);
        const good = await fast.release();
        expect(good.judged).toMatch(/^pass: /);
        expect(good.judged).toContain(passed);
        expect(good.outcome).toBe('released');
        await expectUnharmed(service, version);
        expectSaid(await service.slipway('replay'), 0, 'every verdict is the recorded one');
      },
      240_000,
    );
  });
});
