import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { expectSaid } from './support/expect.ts';
import { makeSmallRig, until, type Behaviour, type SmallRig, type SmallService } from './support/small-service.ts';
import { sendUsers, type Met, type Users } from './support/users.ts';

const observe = { window: '2s', every: '500ms', because: 'a test' };
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
  let whole: SmallService;
  let ports: readonly number[];
  const users: Users[] = [];
  const commit = async (version: string, order: string, web: Behaviour = {}, strategy?: object): Promise<void> => {
    const files: Record<string, string> = {};
    for (const [index, name] of ['api', 'web'].entries()) {
      files[`${name}/package.json`] = JSON.stringify({ type: 'module', version });
      files[`${name}/behaviour.json`] = JSON.stringify(name === 'web' ? web : {});
      files[`${name}/slipway.yaml`] = stringify({
        service: name,
        listen: `127.0.0.1:${ports[index] ?? 0}`,
        processes: {
          web: {
            run: 'node server.js',
            health: { path: '/health', interval: '200ms', timeout: '1s', 'start-within': '10s' },
            'stop-grace': '500ms',
          },
        },
        smoke: { read: ['GET /'], within: '1s' },
        observe,
        rollback: { within: '20s', warm: '100ms' },
        ...(strategy === undefined ? {} : { strategy }),
      });
    }
    await whole.write(files);
    await whole.commit(version, { config: setConfig(order) });
  };
  const served = (): Promise<readonly (string | null)[]> =>
    Promise.all(
      ports.map(async (port) => {
        const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
        return response.ok ? ((await response.json()) as { readonly version: string }).version : `status ${response.status}`;
      }),
    );
  const met = (): readonly Met[] => users.map((one) => one.met());
  const failures = (): number => met().reduce((sum, { failed }) => sum + failed, 0);

  beforeAll(async () => {
    rig = await makeSmallRig();
    whole = await rig.service('whole');
    const other = await rig.service('other');
    ports = [whole.port, other.port];
    for (const name of ['api', 'web']) {
      await mkdir(join(whole.folder, name));
      await copyFile(join(whole.folder, 'server.js'), join(whole.folder, name, 'server.js'));
    }
    await commit('1.0.0', 'together');
    expectSaid(await whole.slipway('release'), 0, /api .*deploy\.switch/, /web .*deploy\.switch/);
    for (const port of ports) users.push(sendUsers(port, 60));
    await until('users are there', () => met().every(({ requests }) => requests > 50));
  }, 120_000);
  afterAll(async () => {
    for (const one of users) await one.stop();
    await rig.close();
  }, 120_000);

  it('is released in turn: the second begins when the first serves', async () => {
    await commit('1.1.0', 'in-turn');
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 0);
    expect(await served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran.indexOf('api observe.window intended')).toBeLessThan(ran.indexOf('web deploy.start intended'));
    expect(failures()).toBe(0);
  }, 120_000);

  it('goes back as a whole, in the reverse order, when one of them fails its users', async () => {
    await commit('1.2.0', 'in-turn', { failsForUsers: true });
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 11);
    expect(await served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran.indexOf('web finished rolled-back')).toBeLessThan(ran.indexOf('api rollback.open-old intended'));
    expect(ran).toContain('api finished rolled-back');
  }, 120_000);

  it('gives no canary more than all of them have earned', async () => {
    await commit('1.3.0', 'together', { failsEvery: 3 }, canary);
    await until('the router has seen enough', () => met().every(({ requests }) => requests > 1_200));
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 11);
    expect(await served()).toEqual(['1.1.0', '1.1.0']);
    expect(ran).not.toContain('api deploy.switch intended');
    expect(ran).toContain('api finished rolled-back');
  }, 120_000);

  it('changes nothing anywhere when one of them does not even build', async () => {
    await commit('1.4.0', 'together');
    await whole.write({
      'web/slipway.yaml': stringify({
        service: 'web',
        listen: `127.0.0.1:${ports[1] ?? 0}`,
        run: 'node server.js',
        build: 'false',
        smoke: { read: ['GET /'] },
        observe,
      }),
    });
    await whole.commit('1.4.0', { config: setConfig('together') });
    const ran = expectSaidIn(await whole.slipway('release', '--json'), 10);
    expect(ran).toContain('web finished unchanged');
    expect(ran).toContain('api finished unchanged');
    expect(await served()).toEqual(['1.1.0', '1.1.0']);
  }, 120_000);

  it('is taken back as a whole after its release, in the reverse order, and answered for as one', async () => {
    for (const one of users) one.forget();
    expect(await answer(whole, 'status')).toMatchObject({ set: { name: 'whole', services: ['api', 'web'], whole: true } });
    expectSaid(await whole.slipway('abort'), 4, 'No release is in flight');
    const ran = expectSaidIn(await whole.slipway('rollback', '--reason', 'a test', '--json'), 0);
    expect(await served()).toEqual(['1.0.0', '1.0.0']);
    expect(ran.indexOf('web observe.window intended')).toBeLessThan(ran.indexOf('api deploy.start intended'));
    expect(failures()).toBe(0);
    expect(await answer(whole, 'status')).toMatchObject({ set: { whole: true } });
    const kinds = [
      expect.objectContaining({ service: 'api', kind: 'rollback' }),
      expect.objectContaining({ service: 'web', kind: 'rollback' }),
    ];
    expect(await answer(whole, 'show')).toEqual({ set: 'whole', releases: kinds });
    expectSaid(await whole.slipway('watch'), 0, 'set whole: api 1.0.0 released, web 1.0.0 released');
    expectSaid(await whole.slipway('rollback'), 4, 'was the first release here');
    expectSaid(await whole.slipway('doctor'), 0, /set .*whole: api, web serve what was released as one/);
  }, 120_000);
});

/** Top-level keys of the set's file; what a service alone would have is left out. */
function setConfig(order: string): Readonly<Record<string, unknown>> {
  return {
    service: null,
    listen: null,
    processes: null,
    smoke: null,
    observe: null,
    rollback: null,
    set: 'whole',
    services: ['api', 'web'],
    order,
  };
}

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
  readonly event?: { readonly type: string; readonly data: { readonly step?: string; readonly outcome?: string } };
}

/** What happened, in order, as `service step intended` and `service finished outcome`. */
function expectSaidIn(
  { exit, said, stdout }: { readonly exit: number | null; readonly said: string; readonly stdout: string },
  wanted: number,
): readonly string[] {
  expect(exit, said).toBe(wanted);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .flatMap(({ kind, service = '', event }) => {
      if (kind !== 'event' || event === undefined) return [];
      if (event.type === 'step.intended') return [`${service} ${event.data.step ?? ''} intended`];
      return event.type === 'release.finished' ? [`${service} finished ${event.data.outcome ?? ''}`] : [];
    });
}
