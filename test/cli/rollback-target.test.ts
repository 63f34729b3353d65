import { describe, expect, it } from 'vitest';
import { chooseRollback } from '../../src/cli/commands/shared/rollback-target.ts';
import { compilePlan } from '../../src/release/core/compile/compile.ts';
import { versionOf, type Plan, type ReleaseStore, type StoredRelease } from '../../src/release/index.ts';
import { simulate } from '../release/simulate.ts';
import { aMigration, aPlan, aPlanInput } from '../support/plan.ts';

type Store = Pick<ReleaseStore, 'lastServing' | 'load' | 'list'>;

/** A finished release as the store gives it back. */
function stored(plan: Plan, status: StoredRelease['summary']['status'] = 'released'): StoredRelease {
  const { release, kind, service, environment, version, requestedBy } = plan;
  return {
    summary: {
      release,
      kind,
      service,
      environment,
      version,
      status,
      requestedBy,
      requestedAt: 0,
      finishedAt: 1,
      driver: null,
      leaseUntil: null,
      sealed: true,
      unsealedBecause: null,
    },
    events: simulate(plan, []).events,
    entries: [],
  };
}

/** A history of releases, oldest first, over one another. */
function history(...versions: readonly (readonly [version: string, migration?: 'app' | 'restore'])[]): readonly StoredRelease[] {
  const all: StoredRelease[] = [];
  for (const [index, [version, migration]] of versions.entries()) {
    const last = all.at(-1);
    const previous = last === undefined ? null : versionOf(last);
    all.push(
      stored(
        compilePlan(
          aPlanInput({ release: `01r${index}`, version, previous, migrations: migration === undefined ? [] : [aMigration(migration)] }),
        ),
      ),
    );
  }
  return all;
}

function storeOf(all: readonly StoredRelease[]): Store {
  return {
    lastServing: async () => all.findLast(({ summary }) => summary.status === 'released') ?? null,
    load: async (release) => all.find(({ summary }) => summary.release === release) ?? Promise.reject(new Error(`no ${release}`)),
    list: async () => all.map(({ summary }) => summary).toReversed(),
  };
}

const question = { service: 'shop', environment: 'dev', finished: null, version: null, node: aPlan().node, serves: async () => true };

describe('what a rollback brings back', () => {
  it('the version before the serving one', async () => {
    const { to, current } = await chooseRollback(storeOf(history(['1.0.0'], ['1.1.0'], ['1.2.0', 'app'])), question);
    expect([to.version, current.version]).toEqual(['1.1.0', '1.2.0']);
  });

  it('a version by name', async () => {
    const { to } = await chooseRollback(storeOf(history(['1.0.0'], ['1.1.0'], ['1.2.0'])), { ...question, version: '1.0.0' });
    expect(to).toMatchObject({ version: '1.0.0', release: '01r0' });
  });

  it('the version that should serve, when it does not run', async () => {
    const all = history(['1.0.0'], ['1.1.0', 'restore']);
    const { to, current } = await chooseRollback(storeOf(all), { ...question, version: '1.1.0', serves: async () => false });
    expect([to.version, current.version]).toEqual(['1.1.0', '1.1.0']);
  });

  it('after a rollback, the version before that and not the one it left, when it is asked for by name', async () => {
    const all = history(['1.0.0'], ['1.1.0'], ['1.2.0']);
    const [, middle, newest] = all.map(versionOf);
    const back = compilePlan({
      ...aPlanInput({ release: '01r9' }),
      kind: 'rollback',
      version: '1.1.0',
      previous: newest ?? null,
      target: middle ?? null,
    });
    const store = storeOf([...all, stored(back)]);
    await expect(chooseRollback(store, question)).rejects.toMatchObject({
      code: 'not_possible_now',
      message: '1.1.0 was put back by rollback 01r9 already; another one would go further back, to 1.0.0',
      hint: expect.stringContaining('--to 1.0.0') as string,
    });
    for (const named of [{ finished: '01r9' }, { version: '1.0.0' }]) {
      const { to, current } = await chooseRollback(store, { ...question, ...named });
      expect([to.version, current.version]).toEqual(['1.0.0', '1.1.0']);
    }
  });

  it.each([
    ['nothing was released', [], question, 'not_possible_now'],
    ['the first release has nothing before it', history(['1.0.0']), question, 'not_possible_now'],
    ['a version never released', history(['1.0.0'], ['1.1.0']), { ...question, version: '3.0.0' }, 'not_found'],
    ['the version that serves', history(['1.0.0'], ['1.1.0']), { ...question, version: '1.1.0' }, 'not_possible_now'],
    ['a finished release that does not serve', history(['1.0.0'], ['1.1.0']), { ...question, finished: '01r0' }, 'not_possible_now'],
    ['the serving version migrated what only a backup brings back', history(['1.0.0'], ['1.1.0', 'restore']), question, 'not_possible_now'],
    ['one in between did', history(['1.0.0'], ['1.1.0', 'restore'], ['1.2.0']), { ...question, version: '1.0.0' }, 'not_possible_now'],
  ] as const)('refused: %s', async (_what, all, asked, code) => {
    await expect(chooseRollback(storeOf(all), asked)).rejects.toMatchObject({ code });
  });

  it('a migration before the chosen version does not matter', async () => {
    const { to } = await chooseRollback(storeOf(history(['1.0.0'], ['1.1.0', 'restore'], ['1.2.0'])), question);
    expect(to.version).toBe('1.1.0');
  });
});
