import { expect, test } from 'vitest';
import type { Acknowledgement, FlagTelemetry, LeftClient, Reach, ServerReach } from './ports.ts';

const NOTHING = { inMemory: 0, connected: 0, seq: 0, acknowledged: 0, p50Ms: null, p99Ms: null, lastMs: null, stale: [] } as const;
const TOLD: Reach = {
  environment: 'everywhere',
  process: 'p1',
  history: '',
  inMemory: 8,
  connected: 3,
  seq: 7,
  acknowledged: 2,
  p50Ms: 4,
  p99Ms: 9.5,
  lastMs: 9.5,
  stale: [{ client: 'c', since: 1_000, from: { address: '10.0.0.7', token: { id: 'ab12', description: 'shop backend' } } }],
};
const LIMIT_MS = 3_600_000;

const by = { actor: 'ann', reason: 'the machine is gone' };
const running = { silent: null, ended: null, host: expect.any(String) as string, pid: expect.any(Number) as number };
const second: Reach = { ...TOLD, process: 'p2', acknowledged: 3, stale: [] };
const seen = (telemetry: FlagTelemetry): Promise<readonly ServerReach[]> => telemetry.reach(TOLD.environment);

/** How server processes know of each other. Called within a suite; both are of one store. */
export function serversContract(both: () => readonly [FlagTelemetry, FlagTelemetry]): void {
  test('every server process that may answer is known, whether or not it has said anything of the environment', async () => {
    const [one, two] = both();
    const before = Date.now();
    const { at, registered } = await one.present({ process: 'p1', limitMs: LIMIT_MS });
    expect([at, registered]).toEqual([expect.toSatisfy((time: number) => time > before - 60_000), at]);
    expect((await one.present({ process: 'p1', limitMs: LIMIT_MS })).registered).toBe(registered);
    await two.present({ process: 'p2', limitMs: LIMIT_MS });
    expect(await seen(two)).toEqual(['p1', 'p2'].map((process) => ({ ...TOLD, ...NOTHING, ...running, process })));
    await one.report({ ...TOLD, acknowledged: 0 });
    await one.report(TOLD);
    await two.report(second);
    for (const each of [one, two])
      expect(await seen(each)).toEqual([
        { ...TOLD, ...running },
        { ...second, ...running },
      ]);
    expect(await one.reach('elsewhere')).toEqual(
      ['p1', 'p2'].map((process) => ({ ...TOLD, ...NOTHING, ...running, environment: 'elsewhere', process })),
    );
  });

  test('one that is heard is not given up, whatever a person says', async () => {
    const [one, two] = both();
    const before = await one.servers();
    expect(before.map(({ process, clients, silent, ended }) => ({ process, clients, silent, ended }))).toEqual(
      [TOLD, second].map(({ process, connected }) => ({ process, clients: connected, silent: null, ended: null })),
    );
    expect(await two.forget('p1', by)).toBe('heard');
    expect(await one.servers()).toEqual(before);
  });

  relayContract(both);

  endsContract(both);
  leftContract(both, TOLD);
}

/** How processes end, p1 with clients and p2 without any. */
function endsContract(both: () => readonly [FlagTelemetry, FlagTelemetry]): void {
  test('a server process that left with clients is known as ended, with what it had said, whatever of it comes later', async () => {
    const [one, two] = both();
    await two.leave('p1');
    const [first, ...others] = await seen(one);
    const end = { at: expect.any(Number) as number, until: expect.any(Number) as number };
    expect(first).toEqual({ ...TOLD, ...running, ended: { ...end, isOver: false, named: false } });
    expect((first?.ended?.until ?? 0) - (first?.ended?.at ?? 0)).toBe(60_000);
    expect(others).toEqual([{ ...second, ...running }]);
    // Nobody of another environment was connected to it.
    expect((await one.reach('elsewhere')).map(({ process }) => process)).toEqual(['p2']);
    await one.report({ ...TOLD, connected: 9 });
    await one.leave('p1');
    expect(await seen(one)).toEqual([first, ...others]);
    expect((await one.servers()).map(({ process, clients, ended }) => [process, clients, ended])).toEqual([
      ['p1', TOLD.connected, { at: first?.ended?.at, until: first?.ended?.until }],
      ['p2', second.connected, null],
    ]);
  });

  test('of a server process that left without clients nothing is left, whatever of it comes later', async () => {
    const [one, two] = both();
    const ids = async (): Promise<readonly string[]> => (await seen(one)).map(({ process }) => process);
    await one.report({ ...second, connected: 0, acknowledged: 0 });
    await one.leave('p2');
    await one.leave('p2');
    await one.report(second);
    expect(await ids()).toEqual(['p1']);
    expect([await one.forget('p1', by), await one.forget('p2', by), await one.forget('nobody', by)]).toEqual(['ended', 'ended', 'ended']);
    await two.present({ process: 'p1', limitMs: LIMIT_MS });
    expect(await seen(one)).toEqual([{ ...TOLD, ...running }]);
    await two.report({ ...TOLD, connected: 0 });
    await two.leave('p1');
    expect(await ids()).toEqual([]);
  });
}

/** How processes leave clients to each other. */
function leftContract(both: () => readonly [FlagTelemetry, FlagTelemetry], told: Reach): void {
  const third: Reach = { ...told, process: 'p3' };
  const ended = async (telemetry: FlagTelemetry, environment = told.environment) =>
    (await telemetry.reach(environment)).flatMap(({ process, connected, acknowledged, ended: end }) =>
      end === null ? [] : [{ process, connected, acknowledged }],
    );
  const named = (client: string, parts: Partial<LeftClient> = {}): LeftClient => ({
    environment: told.environment,
    client,
    acknowledged: false,
    streams: 1,
    ...parts,
  });

  test('clients that a process named when it ended are waited for until they are reported by another one', async () => {
    const [one, two] = both();
    for (const process of ['p2', 'p3']) await one.present({ process, limitMs: LIMIT_MS });
    await one.report(third);
    await one.handOver('p3', [named('a', { acknowledged: true }), named('b'), named('c'), named('a', { environment: 'elsewhere' })]);
    // As long as it may answer it counts as it said.
    expect(await ended(two)).toEqual([]);
    await one.leave('p3');
    expect(await ended(two)).toEqual([{ process: 'p3', connected: 3, acknowledged: 1 }]);
    expect((await two.servers()).find(({ process }) => process === 'p3')?.clients).toBe(4);
    expect((await two.awaited('p2')).map(({ client }) => client).toSorted()).toEqual(['a', 'a', 'b', 'c']);
    expect(await two.awaited('p3')).toEqual([]);
    await two.report({ ...told, process: 'p2', connected: 5 }, ['b', 'nobody']);
    expect(await ended(two)).toEqual([{ process: 'p3', connected: 2, acknowledged: 1 }]);
    expect((await one.reach(told.environment)).find(({ process }) => process === 'p2')).toMatchObject({ connected: 5, ended: null });
    await two.report({ ...told, process: 'p2', acknowledged: 3, stale: [] }, ['a', 'c']);
    expect(await ended(two)).toEqual([]);
    expect(await ended(two, 'elsewhere')).toEqual([{ process: 'p3', connected: 1, acknowledged: 0 }]);
    expect(await two.awaited('p2')).toEqual([{ environment: 'elsewhere', client: 'a' }]);
    await two.report({ ...told, process: 'p2', environment: 'elsewhere', connected: 0 }, ['a']);
  });

  test('nobody takes off a list who is not on the list of those that may answer, nor a name that several had', async () => {
    const [one, two] = both();
    const fourth = { ...third, process: 'p4' };
    await one.present({ process: 'p4', limitMs: LIMIT_MS });
    await one.report(fourth);
    await one.handOver('p4', [named('a', { streams: 2 }), named('b')]);
    await one.leave('p4');
    await two.report({ ...told, process: 'nobody' }, ['b']);
    await two.report(fourth, ['b']);
    expect(await ended(two)).toEqual([{ process: 'p4', connected: 2, acknowledged: 0 }]);
    expect(await two.awaited('p2')).toEqual([{ environment: told.environment, client: 'b' }]);
    await two.report({ ...told, process: 'p2', acknowledged: 3, stale: [] }, ['a', 'b']);
    expect(await ended(two)).toEqual([{ process: 'p4', connected: 1, acknowledged: 0 }]);
    // Nothing is left of one whose clients all came back before it had ended, whatever it had reported.
    await one.present({ process: 'p5', limitMs: LIMIT_MS });
    await one.report({ ...third, process: 'p5' });
    await one.handOver('p5', [named('d')]);
    await two.report({ ...told, process: 'p2', acknowledged: 3, stale: [] }, ['d']);
    await one.leave('p5');
    expect((await two.servers()).map(({ process }) => process)).not.toContain('p5');
    await one.handOver('p5', [named('e')]);
    expect(await two.awaited('p2')).toEqual([]);
  });
}

/** How processes hand acknowledgements to each other, between p1 and p2 that are present. */
function relayContract(both: () => readonly [FlagTelemetry, FlagTelemetry]): void {
  test('an acknowledgement that came to another process is fetched once by the one it is for, the last one of each client', async () => {
    const [one, two] = both();
    const told: Acknowledgement = { process: 'p1', environment: 'everywhere', history: 'h', client: 'a', seq: 7, at: 1_000 };
    const other = { ...told, client: 'b', at: 1_250 };
    await two.relay([told, { ...told, process: 'p2' }, { ...told, process: 'nobody' }]);
    await two.relay([{ ...told, seq: 8 }, { ...told, seq: 9 }, other]);
    const fetched = await one.relayed('p1');
    expect(fetched.toSorted((a, b) => (a.client < b.client ? -1 : 1))).toEqual([{ ...told, seq: 9 }, other]);
    expect(await one.relayed('p1')).toEqual([]);
    expect(await two.relayed('nobody')).toEqual([]);
    expect(await two.relayed('p2')).toEqual([{ ...told, process: 'p2' }]);
  });
}
