import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Flag, Segment } from '../../packages/flags/src/core/definition.ts';
import { auditContract } from './contract-audit.ts';
import { aFlag } from './contract-flag.ts';
import { serversContract } from './contract-servers.ts';
import type { FlagChange, FlagStore, FlagTelemetry, TokenStore, WantedChange, WantedWrite } from './ports.ts';

/** One connection of its own to the same data. */
export interface FlagConnection {
  readonly flags: FlagStore;
  readonly tokens: TokenStore;
  readonly telemetry: FlagTelemetry;
}

/** A store under test, which is empty. */
export interface FlagBed {
  connect(): Promise<FlagConnection>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

const SEGMENT: Segment = { description: 'us', when: { attribute: 'country', operator: 'eq', value: 'us' } };

const flagWrite = (key: string, revision: number | null, after: Flag | null = aFlag()): WantedWrite => ({
  kind: 'flag',
  key,
  revision,
  after,
});

const wanted = (environment: string, writes: readonly WantedWrite[], changes: Partial<WantedChange> = {}): WantedChange => ({
  environment,
  actor: 'ann',
  reason: 'because',
  action: 'change',
  acknowledge: false,
  writes,
  ...changes,
});

/** The behaviour every store of flags must show. Each case has an environment of its own. */
export function flagContract(name: string, makeBed: () => Promise<FlagBed>): void {
  describe(`${name} keeps flags`, () => {
    let bed: FlagBed;
    let one: FlagConnection;
    let two: FlagConnection;
    let flags: FlagStore;
    let environments = 0;
    const fresh = (): string => `e${(environments += 1)}`;
    beforeAll(async () => {
      bed = await makeBed();
      one = await bed.connect();
      two = await bed.connect();
      flags = one.flags;
    });
    afterAll(() => bed.close());

    test('an environment nobody wrote to is empty', async () => {
      expect(await flags.read('nowhere')).toEqual({
        set: { format: 1, environment: 'nowhere', seq: 0, flags: {}, segments: {} },
        flagRevisions: new Map(),
        segmentRevisions: new Map(),
        history: '',
      });
      expect(await flags.changesSince('nowhere', 0)).toEqual([]);
      expect(await flags.history('nowhere', { limit: 9 })).toEqual([]);
      expect(await flags.environments()).not.toContain('nowhere');
    });

    test('what was committed is read, by every connection, as it was written', async () => {
      const environment = fresh();
      const odd = aFlag({
        valueType: 'json',
        variants: { z: { b: [1, null, 'Łódź 😀'], a: {} }, off: null, __proto__2: 1e-9 },
        salt: 'quote " and \\ and \n',
      });
      const change = await flags.commit(
        wanted(environment, [flagWrite('a', null, odd), { kind: 'segment', key: 'a', revision: null, after: SEGMENT }], {
          acknowledge: true,
        }),
      );
      expect(change).toMatchObject({ environment, seq: 1, actor: 'ann', reason: 'because', action: 'change', acknowledge: true });
      const { set, flagRevisions, segmentRevisions } = await two.flags.read(environment);
      expect(set).toEqual({ format: 1, environment, seq: 1, flags: { a: odd }, segments: { a: SEGMENT } });
      // Their order is kept: people see them in it.
      expect(JSON.stringify(set.flags['a'])).toBe(JSON.stringify(odd));
      expect([flagRevisions.get('a'), segmentRevisions.get('a')]).toEqual([1, 1]);
      expect(await flags.environments()).toContain(environment);
    });

    test('the history says before and after, newest first, by key, page by page', async () => {
      const environment = fresh();
      const [made, off] = [aFlag(), aFlag({ enabled: false })];
      await flags.commit(wanted(environment, [flagWrite('a', null, made)], { action: 'create' }));
      await flags.commit(wanted(environment, [flagWrite('b', null)]));
      await flags.commit(wanted(environment, [flagWrite('a', 1, off)], { action: 'kill', reason: 'it burns', actor: 'bob' }));
      await flags.commit(wanted(environment, [flagWrite('a', 3, null)], { action: 'delete' }));
      const ofA = await flags.history(environment, { key: 'a', limit: 9 });
      expect(ofA.map(({ seq, action, actor }) => [seq, action, actor])).toEqual([
        [4, 'delete', 'ann'],
        [3, 'kill', 'bob'],
        [1, 'create', 'ann'],
      ]);
      expect(ofA.map(({ writes }) => writes)).toEqual([
        [{ kind: 'flag', key: 'a', before: off, after: null }],
        [{ kind: 'flag', key: 'a', before: made, after: off }],
        [{ kind: 'flag', key: 'a', before: null, after: made }],
      ]);
      const newest = async (...asked: Parameters<FlagStore['newestOf']>) => (await flags.newestOf(...asked)).map(({ seq }) => seq);
      expect(await newest(environment, ['a', 'b'], 2)).toEqual([4, 3, 2]);
      expect(await newest(environment, ['a', 'none'], 9)).toEqual([4, 3, 1]);
      expect(await newest('nowhere', ['a'], 9)).toEqual([]);
      expect((await flags.history(environment, { limit: 2 })).map(({ seq }) => seq)).toEqual([4, 3]);
      expect((await flags.history(environment, { limit: 2, before: 3 })).map(({ seq }) => seq)).toEqual([2, 1]);
      const times = [await flags.now(), ...(await flags.history(environment, { limit: 9 })).map(({ at }) => at)];
      expect(times).toEqual(times.toSorted((a, b) => b - a));
    });

    test('a change made from another revision is refused whole, and says who was quicker', async () => {
      const environment = fresh();
      await flags.commit(wanted(environment, [flagWrite('a', null), flagWrite('b', null)], { actor: 'bob' }));
      for (const [write, said] of [
        [flagWrite('a', null), 'is there already, changed by bob'],
        [flagWrite('a', 7), 'was changed by bob'],
        [flagWrite('gone', 1), 'is gone'],
        [{ kind: 'segment', key: 'a', revision: 1, after: null } as const, 'is gone'],
      ] as const) {
        const mixed = wanted(environment, [flagWrite('b', 1, null), flagWrite('new', null), write]);
        const isMade = write.revision === null;
        await expect(flags.commit(mixed)).rejects.toMatchObject({
          code: isMade ? 'flag_exists' : 'flag_conflict',
          http: isMade ? 409 : 412,
          message: expect.stringContaining(said),
        });
      }
      const { set } = await flags.read(environment);
      expect([set.seq, Object.keys(set.flags)]).toEqual([1, ['a', 'b']]);
      expect(await flags.history(environment, { limit: 9 })).toHaveLength(1);
    });

    test('a change that was checked is not made beside another one that came since', async () => {
      const environment = fresh();
      const first = await flags.commit(wanted(environment, [flagWrite('a', null)]));
      expect(await flags.commitChecked(first.seq - 1, wanted(environment, [flagWrite('b', null)]))).toBeNull();
      expect(await flags.commitChecked(first.seq, wanted(environment, [flagWrite('b', null)]))).toMatchObject({ seq: 2 });
    });

    test('what was deleted may be made again, and is not the same revision', async () => {
      const environment = fresh();
      await flags.commit(wanted(environment, [flagWrite('a', null)]));
      await flags.commit(wanted(environment, [flagWrite('a', 1, null)]));
      expect((await flags.read(environment)).set.flags).toEqual({});
      await flags.commit(wanted(environment, [flagWrite('a', null)]));
      await expect(flags.commit(wanted(environment, [flagWrite('a', 1)]))).rejects.toMatchObject({ code: 'flag_conflict' });
    });

    test('changes since are without a gap; who knows a number that was not reached, or missed too many, gets none', async () => {
      const environment = fresh();
      for (let seq = 0; seq < 5; seq++) await flags.commit(wanted(environment, [flagWrite(`f${seq}`, null)]));
      expect((await flags.changesSince(environment, 2))?.map(({ seq }) => seq)).toEqual([3, 4, 5]);
      expect(await flags.changesSince(environment, 5)).toEqual([]);
      expect(await flags.changesSince(environment, 6)).toBeNull();
      const [first] = (await flags.changesSince(environment, 0)) ?? [];
      expect(first).toEqual((await flags.history(environment, { limit: 9 })).at(-1));
    });

    test('what is made to the newest is never overtaken, and takes back nothing', async () => {
      const environment = fresh();
      const newest = (connection: FlagConnection, key = 'counter') => {
        const after = (flag: Flag): Flag => ({ ...flag, salt: String(Number(flag.salt) + 1) });
        return connection.flags.commit(wanted(environment, [{ kind: 'flag', key, revision: 'newest', after }]));
      };
      await flags.commit(wanted(environment, [flagWrite('counter', null, aFlag({ salt: '0' }))]));
      const made = await Promise.all(Array.from({ length: 20 }, (_, index) => newest(index % 2 === 0 ? one : two)));
      expect((await flags.read(environment)).set.flags['counter']?.salt).toBe('20');
      const last = made.toSorted((a, b) => a.seq - b.seq).at(-1);
      expect(last?.writes).toMatchObject([{ before: { salt: '19' }, after: { salt: '20' } }]);
      await expect(newest(one, 'nowhere')).rejects.toMatchObject({ code: 'not_found' });
    });

    test('what is made to the newest sees what changed since, and may refuse', async () => {
      const environment = fresh();
      const { seq: knows } = await flags.commit(wanted(environment, [flagWrite('a', null, aFlag({ salt: 'first' }))]));
      await flags.commit(wanted(environment, [flagWrite('b', null)]));
      await flags.commit(wanted(environment, [flagWrite('a', knows, aFlag({ salt: 'second' }))]));
      await flags.commit(wanted(environment, [flagWrite('a', 3, aFlag({ salt: 'third' }))]));
      const told = (given: readonly FlagChange[]): never => {
        throw new Error(given.map(({ seq }) => seq).join());
      };
      const asking = (known: number) =>
        flags.commit(
          wanted(environment, [{ kind: 'flag', key: 'a', revision: 'newest', knows: known, after: (_flag, since) => told(since) }]),
        );
      await expect(asking(knows)).rejects.toThrow(/^3,4$/);
      await expect(asking(4)).rejects.toThrow(/^$/);
      expect((await flags.read(environment)).set).toMatchObject({ seq: 4, flags: { a: { salt: 'third' } } });
    });

    test('racing writers lose nothing: every change is counted once, in one order', async () => {
      const environment = fresh();
      await flags.commit(wanted(environment, [flagWrite('counter', null, aFlag({ salt: '0' }))]));
      const writers = await Promise.all(Array.from({ length: 4 }, () => bed.connect()));
      const each = 15;
      const adding = async ({ flags: mine }: FlagConnection): Promise<void> => {
        for (let left = each; left > 0;) {
          const { set, flagRevisions } = await mine.read(environment);
          const flag = aFlag({ salt: String(Number(set.flags['counter']?.salt) + 1) });
          try {
            await mine.commit(wanted(environment, [flagWrite('counter', flagRevisions.get('counter') ?? null, flag)]));
            left -= 1;
          } catch (error) {
            expect(error).toMatchObject({ code: 'flag_conflict' });
          }
        }
      };
      await Promise.all(writers.map(adding));
      const { set } = await flags.read(environment);
      expect([set.flags['counter']?.salt, set.seq]).toEqual([String(4 * each), 4 * each + 1]);
      const changes = (await flags.changesSince(environment, 0)) ?? [];
      expect(changes.map(({ seq }) => seq)).toEqual(Array.from({ length: 4 * each + 1 }, (_one, index) => index + 1));
      const salts = changes.flatMap(({ writes }) => writes.map(({ before, after }) => [before, after] as readonly (Flag | null)[]));
      for (const [index, [before, after]] of salts.entries()) {
        expect(after?.salt).toBe(String(index));
        if (index > 0) expect(before?.salt).toBe(String(index - 1));
      }
    });

    test('others hear of a change, and only of what was committed', async () => {
      const environment = fresh();
      const heard: (string | null)[] = [];
      const stop = two.flags.subscribe((one) => void heard.push(one));
      await expect.poll(() => heard, { timeout: 20_000 }).toContain(null);
      await flags.commit(wanted(environment, [flagWrite('a', null)]));
      await expect.poll(() => heard, { timeout: 20_000 }).toContain(environment);
      stop();
      const before = heard.length;
      await flags.commit(wanted(environment, [flagWrite('a', 1, null)]));
      const last = await bed.connect();
      const sign: (string | null)[] = [];
      const end = last.flags.subscribe((one) => void sign.push(one));
      await expect.poll(() => sign, { timeout: 20_000 }).toContain(null);
      end();
      expect(heard).toHaveLength(before);
    });

    test('counts add up over hours and processes', async () => {
      const environment = fresh();
      const hour = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
      const counted = { environment, flag: 'a', variant: 'on', hour, count: 2 };
      await Promise.all([
        one.telemetry.count([counted, { ...counted, count: 3 }, { ...counted, variant: 'off' }]),
        two.telemetry.count([{ ...counted, variant: 'off' }, counted, { ...counted, hour: hour - HOUR_MS }]),
      ]);
      await one.telemetry.count([]);
      expect(await one.telemetry.counted(environment, hour)).toEqual([
        { flag: 'a', variant: 'off', count: 4, lastAt: hour },
        { flag: 'a', variant: 'on', count: 7, lastAt: hour },
      ]);
      expect(await one.telemetry.counted(environment, hour - HOUR_MS)).toContainEqual({ flag: 'a', variant: 'on', count: 9, lastAt: hour });
      expect(await one.telemetry.counted(fresh(), 0)).toEqual([]);
    });

    auditContract(() => [one, two], fresh);
    serversContract(() => [one.telemetry, two.telemetry]);
  });
}
