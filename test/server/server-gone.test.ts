import { hostname } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { aFlag, openBed, until, type Bed, type Served } from './bed.ts';

/** What a person may say of a server process whose machine is gone, and what becomes of one that was not gone after all. */
let bed: Bed;
let well: Served;
let lost: Served;
let token: string;
beforeAll(async () => {
  bed = await openBed();
  [well, lost] = [await bed.serve(), await bed.serve()];
  token = await bed.token(['client-evaluate']);
  await bed.write([['release_on', aFlag()]], 'create');
  await until(async () => (await evaluate(lost)).includes('STATIC'));
});
afterAll(async () => {
  lost.child.kill('SIGCONT');
  await bed.stop();
});

const evaluate = async (one: Served): Promise<string> =>
  (await one.call('POST /ofrep/v1/evaluate/flags', { token, body: { context: {} } })).text;
/** Ends before its time where everybody has it. */
const kill = (within: string) => bed.cli('flag', 'kill', 'release_on', '--reason', 'it burns', '--within', within);
const json = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
  JSON.parse((await bed.cli(...args, '--json')).out) as Record<string, unknown>;
const servers = async () =>
  (await json('flag', 'servers'))['servers'] as readonly {
    readonly process: string;
    readonly pid: number;
    readonly silent: unknown;
  }[];
const idOf = async ({ child }: Served): Promise<string> => (await servers()).find(({ pid }) => pid === child.pid)?.process ?? '';
const gone = (server: string, ...more: readonly string[]) =>
  bed.cli('flag', 'server-gone', server, '--reason', 'web-3 burnt down', ...more);

it('the list names every process that may answer, where it is, and its clients', async () => {
  expect(await servers()).toEqual(
    [well, lost].map(({ child }) => ({
      process: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      host: hostname(),
      pid: child.pid,
      clients: 0,
      keys: [expect.stringMatching(/^ed25519:/) as string],
      heardAt: expect.stringMatching(/Z$/) as string,
      silent: null,
      ended: null,
    })),
  );
  const { exit, out } = await bed.cli('flag', 'servers');
  expect([exit, out]).toEqual([
    0,
    expect.stringMatching(new RegExp(`^SERVER .*\\n[0-9a-f]{8} .* ${well.child.pid} +0 +[\\w+/]{8} +answers\\n`)),
  ]);
});

it('one that is heard is not given up, nor one that is not there, nor any without a reason', async () => {
  const id = await idOf(lost);
  expect([(await gone(id)).exit, (await gone('nobody')).exit]).toEqual([4, 3]);
  expect(await gone('')).toMatchObject({ exit: 3, err: expect.stringContaining('There is no server process') });
  expect((await bed.cli('flag', 'server-gone', id)).exit).toBe(2);
  expect(await servers()).toHaveLength(2);
});

it('a kill waits for one that is silent until a person says that it is gone, and names the command', async () => {
  const id = await idOf(lost);
  lost.child.kill('SIGSTOP');
  // As another machine's: nobody here can see whether it has ended. Again where it had said just before that it is there.
  await until(async () => {
    await bed.query(
      `update slipway.flag_server set place = 'elsewhere', seen_at = seen_at - interval '30 seconds' where process = '${id}'`,
    );
    return (await servers()).some(({ process, silent }) => process === id && silent !== null);
  });
  const waiting = await kill('5s');
  expect([waiting.exit, waiting.out]).toEqual([19, expect.stringContaining(`slipway flag server-gone ${id.slice(0, 8)} --reason`)]);
  expect((await bed.cli('flag', 'servers')).out).toMatch(
    new RegExp(`${lost.child.pid} +0 +[\\w+/]{8} +silent since 20\\S+Z; counts until 20\\S+Z`),
  );
  const { exit, out } = await gone(id.slice(0, 8));
  expect([exit, out]).toEqual([
    0,
    expect.stringContaining(`No kill waits for the server process ${lost.child.pid} on ${hostname()} any more`),
  ]);
  expect((await kill('60s')).exit).toBe(0);
  expect((await bed.cli('flag', 'history', '-e', 'dev')).out).toMatch(
    new RegExp(`server-gone by \\S+: the server process ${lost.child.pid} on .*: web-3 burnt down`),
  );
});

it('one that comes back after that registers anew, and answers what it read since', async () => {
  lost.child.kill('SIGCONT');
  await until(() => lost.log.some((line) => line.includes('this process was off the list')));
  await until(async () => (await lost.call('GET /health/ready')).status === 200);
  expect(await evaluate(lost)).toContain('DISABLED');
  expect((await servers()).map(({ silent }) => silent)).toEqual([null, null]);
  expect((await kill('60s')).exit).toBe(0);
});
