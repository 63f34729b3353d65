import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, until, type SmallRig, type SmallService } from './support/small-service.ts';
import { makeSmallSet, setConfig, type SmallSet } from './support/small-set.ts';
import { sendUsers, type Met, type Users } from './support/users.ts';

const canary = {
  name: 'canary',
  because: 'a test',
  schedule: [{ weight: '30%', for: '1s' }],
  every: '200ms',
  errors: { clean: '5%', warmup: '0s' },
  latency: { clean: '30%', warmup: '0s', 'least-bad': 1_000 },
};

/** Two services in one repository, released as one change. */
describe('a set of services', () => {
  let rig: SmallRig;
  let set: SmallSet;
  let whole: SmallService;
  const users: Users[] = [];
  const met = (): readonly Met[] => users.map((one) => one.met());
  const failures = (): number => met().reduce((sum, { failed }) => sum + failed, 0);

  beforeAll(async () => {
    rig = await makeSmallRig();
    set = await makeSmallSet(rig);
    whole = set.whole;
    await set.commit('1.0.0', { order: 'together' });
    expectSaid(await whole.slipway('release'), 0, /api .*deploy\.switch/, /web .*deploy\.switch/);
    for (const port of set.ports) users.push(sendUsers(port, 60));
    await until('users are there', () => met().every(({ requests }) => requests > 50));
  }, 180_000);
  afterAll(async () => {
    for (const one of users) await one.stop();
    await rig.close();
  }, 180_000);

  it('is released in turn: the second begins when the first serves', async () => {
    await set.commit('1.1.0', { order: 'in-turn' });
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 0);
    expect(await set.served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran.indexOf('api observe.window intended')).toBeLessThan(ran.indexOf('web deploy.start intended'));
    expect(failures()).toBe(0);
  }, 180_000);

  it('goes back as a whole, in the reverse order, when one of them fails its users', async () => {
    await set.commit('1.2.0', { order: 'in-turn', web: { failsForUsers: true } });
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 11);
    expect(await set.served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran.indexOf('web finished rolled-back')).toBeLessThan(ran.indexOf('api rollback.open-old intended'));
    expect(ran).toContain('api finished rolled-back');
  }, 180_000);

  it('gives no canary more than all of them have earned', async () => {
    await set.commit('1.3.0', { order: 'together', web: { failsEvery: 3 }, strategy: canary });
    await until('the router has seen enough', () => met().every(({ requests }) => requests > 1_200));
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 11);
    expect(await set.served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran).not.toContain('api deploy.switch intended');
    expect(ran).toContain('api finished rolled-back');
  }, 180_000);

  it('changes nothing anywhere when one of them does not even build', async () => {
    await set.commit('1.4.0', { order: 'together' });
    await whole.write({
      'web/slipway.yaml': stringify({
        service: 'web',
        listen: `127.0.0.1:${set.ports[1] ?? 0}`,
        run: 'node server.js',
        build: 'false',
        smoke: { read: ['GET /'] },
      }),
    });
    await whole.commit('1.4.0', { config: setConfig('together') });
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 10);
    expect(ran).toContain('web finished unchanged');
    expect(ran).toContain('api finished unchanged');
    expect(await set.served()).toEqual(['1.1.0', '1.1.0']);
  }, 180_000);

  it('is paused and aborted as one', async () => {
    // Watched for longer than any of these commands may take.
    await set.commit('1.5.0', { order: 'together', watched: '10m' });
    expectSaid(await whole.slipway('release', '--detach'), 0);
    const both = (requested: string) => ({ set: 'whole', releases: [{ requested, by: 'ann' }, { requested }] });
    expect(await answer(whole, 'pause')).toMatchObject(both('pause'));
    expectSaid(await whole.slipway('pause'), 4, 'api: it is paused already; web: it is paused already');
    expect(await answer(whole, 'abort', '--reason', 'a test')).toMatchObject(both('abort'));
    const { exit, stdout, said } = await whole.slipway('watch', '--json');
    expect([11, 13], said).toContain(exit);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ kind: 'set', set: 'whole', verdict: 'fail', exit });
    expect(await set.served()).toEqual(['1.1.0', '1.1.0']);
  }, 180_000);

  it('is taken back as a whole after its release, in the reverse order, and answered for as one', async () => {
    for (const one of users) one.forget();
    expect(await answer(whole, 'status')).toMatchObject({ set: { name: 'whole', services: ['api', 'web'], whole: true } });
    expectSaid(await whole.slipway('abort'), 4, 'No release is in flight');
    const ran = expectSaidIn(await whole.slipway('rollback', '--reason', 'a test', '--json'), 0);
    expect(await set.served()).toEqual(['1.0.0', '1.0.0']);
    expect(ran.indexOf('web observe.window intended')).toBeLessThan(ran.indexOf('api deploy.start intended'));
    expect(failures()).toBe(0);
    expect(await answer(whole, 'status')).toMatchObject({ set: { whole: true } });
    const timed = { rollback: expect.objectContaining({ time: expect.objectContaining({ verdict: 'pass' }) as object }) as object };
    const kinds = ['api', 'web'].map((service) => expect.objectContaining({ service, kind: 'rollback', ...timed }) as object);
    expect(await answer(whole, 'show')).toEqual({ set: 'whole', releases: kinds });
    expectSaid(await whole.slipway('watch'), 0, 'set whole: api 1.0.0 released, web 1.0.0 released');
    expectSaid(await whole.slipway('rollback'), 4, 'was the first release here');
    expectSaid(await whole.slipway('doctor'), 0, /set .*whole: api, web serve what was released as one/);
  }, 180_000);
});

/** What a command in the folder of the set answers with --json: one document. */
async function answer(whole: SmallService, ...args: readonly string[]): Promise<Readonly<Record<string, never>>> {
  const { stdout, exit, said } = await whole.slipway(...args, '--json');
  expect(exit, said).toBe(0);
  return JSON.parse(stdout) as Readonly<Record<string, never>>;
}

interface Line {
  readonly kind: string;
  readonly release?: string;
  readonly service?: string;
  readonly event?: { readonly time: number; readonly type: string; readonly data: { readonly step?: string; readonly outcome?: string } };
}

/** What happened, in order, as `service step intended` and `service finished outcome`. */
function expectSaidIn(
  { exit, said, stdout }: { readonly exit: number | null; readonly said: string; readonly stdout: string },
  wanted: number,
): readonly string[] {
  expect(exit, said).toBe(wanted);
  return (
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line)
      // Each release is followed by itself, so what is told of two of them is told in the order in which it is heard.
      .toSorted((one, other) => (one.event?.time ?? 0) - (other.event?.time ?? 0))
      .flatMap(({ kind, service = '', event }) => {
        if (kind !== 'event' || event === undefined) return [];
        if (event.type === 'step.intended') return [`${service} ${event.data.step ?? ''} intended`];
        return event.type === 'release.finished' ? [`${service} finished ${event.data.outcome ?? ''}`] : [];
      })
  );
}
