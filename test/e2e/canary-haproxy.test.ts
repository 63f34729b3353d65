import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { agentPlaces, agentStatus } from '../../src/server/index.ts';
import { bucketOf } from '../../src/traffic/core/cohort.ts';
import { signalOne } from '../support/signal.ts';
import { agentPid } from './support/agent.ts';
import { expectSaid, expectUnharmed } from './support/expect.ts';
import { makeSmallRig, until, watchFor, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, shareOf, type User, type Users } from './support/users.ts';

const installed = spawnSync('haproxy', ['-v']).status === 0;
const strategy = {
  name: 'canary',
  because: 'a test',
  schedule: [{ weight: '20%', for: '1s' }],
  every: '200ms',
  errors: { clean: '2%', warmup: '0s' },
  latency: { clean: '20%', warmup: '0s', 'least-bad': 1_000 },
};
const config = { strategy, observe: watchFor('2s') };
const cohort = { key: { header: 'x-user-id' }, force: { header: 'x-version' }, only: { paths: ['/shop'] } };

/** Ten users with a bucket from here to there, so that the canary has enough requests for a test of seconds, whatever its share of all users. */
const tenWith = (from: number, to: number): readonly User[] =>
  Array.from({ length: 10_000 }, (_, index) => `user-${index}`)
    .filter((id) => bucketOf(id) >= from && bucketOf(id) < to)
    .slice(0, 10)
    .map((id) => ({ path: '/shop/cart', headers: { 'x-user-id': id } }));
const early = tenWith(0, 500);
const later = tenWith(500, 2_500);
const last = tenWith(2_500, 10_000);
const forced = { path: '/shop', headers: { 'x-version': 'canary' } };
const kept = { path: '/shop', headers: { 'x-version': '1.0.0' } };
const elsewhere = { path: '/shopping', headers: { 'x-version': 'canary', 'x-user-id': early[0]?.headers?.['x-user-id'] ?? '' } };

describe.skipIf(!installed)('a canary behind HAProxy (apt-get install haproxy)', () => {
  let rig: SmallRig;
  let service: SmallService;
  let users: Users | undefined;
  beforeAll(async () => {
    rig = await makeSmallRig();
    service = await rig.service('bird');
    await service.commit('1.0.0', { config });
    expectSaid(await service.slipway('agent', 'start', '--router', 'haproxy'), 0, 'haproxy router');
    expectSaid(await service.slipway('agent', 'start', '--router', 'embedded'), 24, 'has the haproxy router');
    expectSaid(await service.slipway('release'), 0);
    const sent = sendUsers(service.port, 200, [...early, ...later, ...last, forced, kept, elsewhere]);
    users = sent;
    await until('there is a percentile', () => sent.met().requests > 1_200);
  }, 180_000);
  afterAll(async () => {
    await users?.stop();
    await rig.close();
  }, 180_000);

  /** When a step of the newest release was ordered, and when it was carried out. */
  const timesOf = async (id: string): Promise<{ readonly startedAt: number; readonly finishedAt: number }> => {
    const { stages } = JSON.parse((await service.slipway('show', '--json')).stdout) as {
      readonly stages: readonly {
        readonly steps: readonly { readonly id: string; readonly startedAt: string; readonly finishedAt: string }[];
      }[];
    };
    const step = stages.flatMap(({ steps }) => steps).find((one) => one.id === id);
    return { startedAt: Date.parse(step?.startedAt ?? ''), finishedAt: Date.parse(step?.finishedAt ?? '') };
  };

  it('that is good is released to one cohort after the other, and nobody notices or goes back', async () => {
    const before = users?.met().failed;
    const schedule = [
      { weight: '5%', for: '1s' },
      { weight: '25%', for: '1s' },
    ];
    await service.commit('1.1.0', { config: { ...config, strategy: { ...strategy, schedule, cohort } } });
    expectSaid(await service.slipway('release'), 0, 'deploy.weight-5', 'deploy.weight-25', 'proven to be fewer than 2 %');
    expect(users?.met().failed).toBe(before);
    await expectUnharmed(service, '1.1.0');

    const answers = users?.answers() ?? [];
    // Before it is carried out, some may meet the HAProxy that is replaced for it still.
    const [begun, more] = [(await timesOf('deploy.weight-5')).finishedAt, (await timesOf('deploy.weight-25')).startedAt];
    const at5 = answers.filter(({ sentAt, answeredAt }) => sentAt > begun && answeredAt < more);
    const versionsOf = (some: readonly User[]): ReadonlySet<string> =>
      new Set(at5.filter(({ user }) => some.includes(user)).map(({ version }) => version));
    expect([early, later, last, [forced], [kept], [elsewhere]].map((some) => [...versionsOf(some)].join())).toEqual([
      '1.1.0',
      '1.0.0',
      '1.0.0',
      '1.1.0',
      '1.0.0',
      '1.0.0',
    ]);
    const movedAt = new Map<User, number>();
    for (const { version, user, answeredAt } of answers)
      if (version === '1.1.0') movedAt.set(user, Math.min(answeredAt, movedAt.get(user) ?? answeredAt));
    const backAgain = answers.filter(
      ({ version, user, sentAt }) => version === '1.0.0' && sentAt > Math.max(begun, movedAt.get(user) ?? Infinity),
    );
    expect(backAgain).toEqual([]);
  }, 180_000);

  it('that fails users is taken back by the judge', async () => {
    await service.commit('1.2.0', { config, behaviour: { failsEvery: 4 } });
    expectSaid(await service.slipway('release'), 11, /1\.2\.0 at 20 %: errors: .* of the canary's requests were bad/);
    expect(shareOf('1.2.0', users?.answers() ?? [])).toBeLessThan(0.4);
    await expectUnharmed(service, '1.1.0');
  }, 180_000);

  it('goes on for users while no agent runs, and the next one takes it over', async () => {
    const before = users?.met().failed;
    expectSaid(await service.slipway('agent', 'stop'), 0, 'goes on sending users');
    expect(await service.served()).toBe('1.1.0');
    expectSaid(await service.slipway('agent', 'start'), 0, 'haproxy router');
    expect(await service.served()).toBe('1.1.0');
    expect(users?.met().failed).toBe(before);
  }, 180_000);

  it('is said to have its users still when the agent was killed, and is opened at once by the first agent after everything was stopped', async () => {
    signalOne(await agentPid(rig.home));
    await until('the agent is gone', async () => (await agentStatus(rig.home)) === null);
    const doctor = await service.slipway('doctor');
    expectSaid(doctor, 6, /FAIL +agent +none runs, and bird\/dev\/\w+ should: HAProxy \(pid \d+\) goes on\s+sending users to it/);
    expect(doctor.said).not.toContain('users do not reach it');
    expect(await service.served()).toBe('1.1.0');

    expectSaid(await service.slipway('agent', 'start'), 0);
    expectSaid(await service.slipway('agent', 'stop', '--all'), 0);
    const { log, socket } = agentPlaces(rig.home);
    // As after a reboot.
    rmSync(dirname(socket), { recursive: true, force: true });
    const before = readFileSync(log, 'utf8').length;
    expectSaid(await service.slipway('agent', 'start'), 0, 'haproxy router');
    await until('it serves', async () => (await service.served()) === '1.1.0');
    expect(readFileSync(log, 'utf8').slice(before)).not.toContain('HAProxy did not start');
  }, 180_000);
});
