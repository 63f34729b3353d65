import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compileFlags,
  createFlag,
  deleteFlag,
  deleteSegment,
  editFlag,
  editSegment,
  explainFlag,
  killFlag,
  killOf,
  newFlag,
  undoKill,
  type Flag,
  type FlagStore,
} from '../../src/flags/index.ts';
import { embeddedServer, type TestServer } from './support.ts';

const NOW = Date.UTC(2026, 10, 30);
let server: TestServer;
let store: FlagStore;
let another: FlagStore;
let environments = 0;

beforeAll(async () => {
  server = await embeddedServer();
  const url = await server.newDatabase();
  store = (await server.open(url)).flags;
  another = (await server.open(url)).flags;
});
afterAll(() => server.stop());

const fresh = (reason = 'because') => ({ environment: `v${(environments += 1)}`, actor: 'ann', reason });

const aFlag = (key: string, enabled = true): Flag => {
  const about = { type: 'release', owner: 'shop', name: '', description: '', tags: [], expiresAt: NOW + 1 } as const;
  return { ...newFlag(key, { ...about, valueType: 'boolean', variants: {}, off: null, serve: null }, NOW), enabled };
};
const on = (flag: Flag): Flag => ({ ...flag, enabled: true });
const off = (flag: Flag): Flag => ({ ...flag, enabled: false });
const owned =
  (owner: string) =>
  (flag: Flag): Flag => ({ ...flag, about: { ...flag.about, owner } });

describe('changing flags', () => {
  it('writes what is different, and nothing that is so already', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a', false));
    expect(await editFlag(store, asked, 'release_a', { edit: on })).toMatchObject({ seq: 2, action: 'change' });
    expect(await editFlag(store, asked, 'release_a', { edit: on })).toBeNull();
    expect(await store.history(asked.environment, { limit: 9 })).toHaveLength(2);
    await expect(createFlag(store, asked, 'release_a', aFlag('release_a'))).rejects.toMatchObject({ code: 'flag_exists' });
    await expect(editFlag(store, asked, 'release_b', { edit: on })).rejects.toMatchObject({ code: 'not_found' });
    await expect(editFlag(store, asked, 'constructor', { edit: on })).rejects.toMatchObject({ code: 'not_found' });
    await expect(deleteFlag(store, asked, 'release_b')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is made to what there is, but of the revision that was named, not to another', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    await editFlag(store, asked, 'release_a', { edit: owned('x') });
    await expect(editFlag(store, { ...asked, revision: 1 }, 'release_a', { edit: off })).rejects.toMatchObject({ code: 'flag_conflict' });
    await expect(deleteFlag(store, { ...asked, revision: 1 }, 'release_a')).rejects.toMatchObject({ code: 'flag_conflict' });
    await expect(killFlag(store, { ...asked, revision: 1 }, 'release_a')).rejects.toMatchObject({ code: 'flag_conflict' });
    expect(await editFlag(store, { ...asked, revision: 2 }, 'release_a', { edit: off })).toMatchObject({ seq: 3 });
  });

  it.each<[string, (flag: Flag) => Flag, RegExp]>([
    ['a variant that is not there', (flag) => ({ ...flag, default: { variant: 'third' } }), /flags\.release_a\.default\.variant/],
    [
      'a segment that is not there',
      (flag) => ({ ...flag, rules: [{ name: 'r', when: { segment: 'nobody' }, serve: { variant: 'on' } }] }),
      /segment/,
    ],
    ['a circle', (flag) => ({ ...flag, prerequisites: [{ flag: 'release_b', variants: ['on'] }] }), /release_a|release_b/],
    ['no owner', owned(''), /about\.owner/],
    ['no end', (flag) => ({ ...flag, about: { ...flag.about, expiresAt: null } }), /should be gone/],
    [
      'a target of another type',
      (flag) => ({
        ...flag,
        rules: [{ name: 'r', when: { attribute: 'a', operator: 'lt', value: '5' as never }, serve: { variant: 'on' } }],
      }),
      /must be a number/,
    ],
  ])('refuses %s, and writes nothing', async (_what, edit, said) => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    const b = { ...aFlag('release_b'), prerequisites: [{ flag: 'release_a', variants: ['on'] }] };
    await createFlag(store, asked, 'release_b', b);
    await expect(editFlag(store, asked, 'release_a', { edit })).rejects.toMatchObject({
      code: 'flag_invalid',
      message: expect.stringMatching(said),
    });
    expect((await store.read(asked.environment)).set.seq).toBe(2);
  });

  it('takes nothing away that something else needs', async () => {
    const asked = fresh();
    await editSegment(store, asked, 'staff', () => ({ description: '', when: { attribute: 'staff', operator: 'exists' } }));
    const rules = [{ name: 'r', when: { segment: 'staff' }, serve: { variant: 'on' } }];
    await createFlag(store, asked, 'release_a', { ...aFlag('release_a'), rules });
    await createFlag(store, asked, 'release_b', { ...aFlag('release_b'), prerequisites: [{ flag: 'release_a', variants: ['on'] }] });
    await expect(deleteSegment(store, asked, 'staff')).rejects.toMatchObject({ code: 'flag_invalid' });
    await expect(deleteFlag(store, asked, 'release_a')).rejects.toMatchObject({ code: 'flag_invalid' });
    await deleteFlag(store, asked, 'release_b');
    await deleteFlag(store, asked, 'release_a');
    await deleteSegment(store, asked, 'staff');
    expect((await store.read(asked.environment)).set).toMatchObject({ flags: {}, segments: {} });
  });

  it('never makes, two at once, what either would be refused beside the other', async () => {
    const requires =
      (flag: string) =>
      (one: Flag): Flag => ({ ...one, prerequisites: [{ flag, variants: ['on'] }] });
    for (let round = 0; round < 5; round++) {
      const asked = fresh();
      await createFlag(store, asked, 'release_a', aFlag('release_a'));
      await createFlag(store, asked, 'release_b', aFlag('release_b'));
      const ends = await Promise.allSettled([
        editFlag(store, asked, 'release_a', { edit: requires('release_b') }),
        editFlag(another, asked, 'release_b', { edit: requires('release_a') }),
      ]);
      expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(compileFlags((await store.read(asked.environment)).set).problems).toEqual([]);
    }
  });

  it('is not kept from by what is wrong elsewhere already', async () => {
    const asked = fresh();
    const broken = { ...aFlag('release_old'), rules: [{ name: 'r', when: { segment: 'gone' }, serve: { variant: 'on' } }] };
    const write = { kind: 'flag' as const, key: 'release_old', revision: null, after: broken };
    await store.commit({ ...asked, action: 'import', acknowledge: false, writes: [write] });
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    expect(await editFlag(store, asked, 'release_old', { edit: owned('y') })).toMatchObject({ seq: 3 });
    const circle = (flag: Flag): Flag => ({ ...flag, prerequisites: [{ flag: 'release_a', variants: ['on'] }] });
    await expect(editFlag(store, asked, 'release_a', { edit: circle })).rejects.toMatchObject({ code: 'flag_invalid' });
  });
});

describe('a kill', () => {
  it('needs a reason, asks for acknowledgements, and looks at nothing but its flag', async () => {
    const asked = fresh('it burns');
    const broken = { ...aFlag('release_a'), rules: [{ name: 'r', when: { segment: 'gone' }, serve: { variant: 'on' } }] };
    const write = { kind: 'flag' as const, key: 'release_a', revision: null, after: broken };
    await store.commit({ ...asked, action: 'import', acknowledge: false, writes: [write] });
    await expect(killFlag(store, { ...asked, reason: ' ' }, 'release_a')).rejects.toMatchObject({ code: 'usage' });
    await expect(killFlag(store, asked, 'release_b')).rejects.toMatchObject({ code: 'not_found' });
    expect(await killFlag(store, asked, 'release_a')).toMatchObject({ action: 'kill', acknowledge: true, reason: 'it burns' });
    const { set } = await store.read(asked.environment);
    expect(set.flags['release_a']).toEqual({ ...broken, enabled: false });
  });

  it('lasts until it is taken back, whatever else is changed, and then what else it says is as it is by now', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    await killFlag(store, asked, 'release_a');
    const message = expect.stringContaining('was killed by ann');
    await expect(editFlag(store, asked, 'release_a', { edit: on })).rejects.toMatchObject({ code: 'not_possible_now', message });
    await expect(editFlag(store, asked, 'release_a', { edit: on, action: 'ramp' })).rejects.toMatchObject({ code: 'not_possible_now' });
    await expect(createFlag(store, asked, 'release_a', aFlag('release_a'))).rejects.toMatchObject({ code: 'flag_exists' });
    await editFlag(store, asked, 'release_a', { edit: owned('other') });
    await killFlag(store, asked, 'release_a');
    expect(await undoKill(store, asked, 'release_a')).toMatchObject({ action: 'undo-kill', acknowledge: true });
    const { set } = await store.read(asked.environment);
    expect(set.flags['release_a']).toMatchObject({ enabled: true, about: { owner: 'other' } });
    await expect(undoKill(store, asked, 'release_a')).rejects.toMatchObject({ code: 'not_possible_now', hint: 'It is on.' });
  });

  it('holds against a safe variant that serves what was killed, and not against another safe value', async () => {
    const asked = fresh();
    const sized = { valueType: 'number', variants: { large: 100, small: 20 }, off: 'small', default: { variant: 'large' } } as const;
    await createFlag(store, asked, 'release_a', { ...aFlag('release_a'), ...sized });
    await killFlag(store, asked, 'release_a');
    const edit = (changes: Partial<Flag>) => editFlag(store, asked, 'release_a', { edit: (flag) => ({ ...flag, ...changes }) });
    await expect(edit({ off: 'large' })).rejects.toMatchObject({ code: 'not_possible_now' });
    await expect(edit({ variants: { large: 20, small: 100 } })).rejects.toMatchObject({ code: 'not_possible_now' });
    expect(await edit({ variants: { large: 100, small: 10 } })).not.toBeNull();
  });

  it('of a flag that was off is taken back to off', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    await editFlag(store, asked, 'release_a', { edit: off });
    await expect(undoKill(store, asked, 'release_a')).rejects.toMatchObject({ hint: expect.stringContaining('slipway flag on release_a') });
    await killFlag(store, asked, 'release_a');
    await undoKill(store, asked, 'release_a');
    expect((await store.read(asked.environment)).set.flags['release_a']?.enabled).toBe(false);
    expect(await editFlag(store, asked, 'release_a', { edit: on })).not.toBeNull();
  });

  it('is found behind any number of later changes', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    const { seq } = await killFlag(store, asked, 'release_a');
    for (let n = 0; n < 60; n++) await editFlag(store, asked, 'release_a', { edit: owned(`o${n}`) });
    expect(await killOf(store, asked.environment, 'release_a')).toMatchObject({ change: { seq }, wasOn: true });
  });
});

describe('whatever is asked in whatever order', () => {
  type Act = { readonly do: 'create' | 'on' | 'off' | 'kill' | 'undo' | 'own' | 'delete'; readonly by: 0 | 1 };
  const act = fc.record({
    do: fc.constantFrom<Act['do'][]>('create', 'on', 'off', 'kill', 'kill', 'undo', 'own', 'delete'),
    by: fc.constantFrom(0 as const, 1 as const),
  });
  /** What should be: null when there is no flag; `before`: whether it was on when it was killed. */
  type Model = { readonly enabled: boolean; readonly killed: { readonly before: boolean } | null } | null;

  function after(model: Model, what: Act['do']): Model | 'refused' {
    if (what === 'create') return model === null ? { enabled: false, killed: null } : 'refused';
    if (model === null) return 'refused';
    if (what === 'delete') return null;
    if (what === 'own') return model;
    if (what === 'kill') return { enabled: false, killed: model.killed ?? { before: model.enabled } };
    if (what === 'undo') return model.killed === null ? 'refused' : { enabled: model.killed.before, killed: null };
    if (what === 'off') return { enabled: false, killed: model.killed };
    return model.killed === null ? { enabled: true, killed: null } : 'refused';
  }

  it('a killed flag is off until it is taken back, and refusals write nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
        const asked = fresh();
        let model: Model = null;
        let owner = 0;
        for (const { do: what, by } of acts) {
          const mine = by === 0 ? store : another;
          const { seq } = (await store.read(asked.environment)).set;
          const verbs = {
            create: () => createFlag(mine, asked, 'release_a', aFlag('release_a', false)),
            on: () => editFlag(mine, asked, 'release_a', { edit: on }),
            off: () => editFlag(mine, asked, 'release_a', { edit: off }),
            own: () => editFlag(mine, asked, 'release_a', { edit: owned(`o${(owner += 1)}`) }),
            kill: () => killFlag(mine, asked, 'release_a'),
            undo: () => undoKill(mine, asked, 'release_a'),
            delete: () => deleteFlag(mine, asked, 'release_a'),
          };
          const expected = after(model, what);
          const answer = await verbs[what]().then(
            () => 'done',
            (error: { readonly code?: string }) => error.code ?? 'bug',
          );
          const { set } = await store.read(asked.environment);
          if (expected === 'refused') {
            expect(['not_found', 'flag_exists', 'not_possible_now']).toContain(answer);
            expect(set.seq).toBe(seq);
          } else {
            expect(answer).toBe('done');
            model = expected;
          }
          expect(set.flags['release_a']?.enabled ?? null).toBe(model?.enabled ?? null);
          expect((await killOf(store, asked.environment, 'release_a')) !== null).toBe((model?.killed ?? null) !== null);
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe('an explanation', () => {
  it('is of the flag as it was after any change', async () => {
    const asked = fresh();
    await createFlag(store, asked, 'release_a', aFlag('release_a'));
    await editFlag(store, asked, 'release_a', { edit: off });
    await createFlag(store, asked, 'release_b', aFlag('release_b'));
    await deleteFlag(store, asked, 'release_a');
    const { environment } = asked;
    const at = (seq: number | null, key = 'release_a') => explainFlag(store, { environment, key, context: { targetingKey: 'u' }, seq });
    expect(await at(1)).toMatchObject({ seq: 1, evaluation: { value: true, variant: 'on' } });
    expect(await at(3)).toMatchObject({ seq: 3, evaluation: { value: false, reason: 'DISABLED' }, steps: [{ step: 'disabled' }] });
    await expect(at(4)).rejects.toMatchObject({ code: 'not_found', message: expect.stringContaining('after change 4') });
    await expect(at(null)).rejects.toMatchObject({ code: 'not_found' });
    await expect(at(0)).rejects.toMatchObject({ code: 'not_found' });
    await expect(at(5)).rejects.toMatchObject({ message: expect.stringContaining('the newest is 4') });
    await expect(at(2, 'release_b')).rejects.toMatchObject({ code: 'not_found' });
    const { set } = await store.read(environment);
    expect((await at(null, 'release_b')).evaluation).toEqual(compileFlags(set).evaluate('release_b', { targetingKey: 'u' }));
  });
});
