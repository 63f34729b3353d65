import { describe, expect, it } from 'vitest';
import { ask } from '../../src/cli/commands/control.ts';
import type { Call } from '../../src/cli/commands/spec.ts';
import type { App } from '../../src/cli/compose.ts';
import type { Wish } from '../../src/cli/commands/shared/requests.ts';
import { answerForSet } from '../../src/cli/commands/shared/set-wish.ts';
import { SlipwayError } from '../../src/kernel/index.ts';
import { foldEvents, type NewEvent, type ReleaseState } from '../../src/release/index.ts';
import { simulate } from '../release/simulate.ts';
import { aDefinition } from '../support/definition.ts';
import { aMigration, aPlan } from '../support/plan.ts';

const ASKER = { actor: 'bob', now: 10_000_000 };

/** A release of a service after so many of its events, and what came then. */
function at(service: string, size: number, more: readonly NewEvent[] = [], restoring = false): ReleaseState {
  const plan = aPlan({ definition: aDefinition({ service }), ...(restoring ? { migrations: [aMigration('restore')] } : {}) });
  const { events } = simulate(plan, []);
  return foldEvents([...events.slice(0, size), ...more.map((event, index) => ({ ...event, seq: size + index, time: 1, actor: 'bob' }))]);
}

const abort: Wish = { do: 'abort', reason: 'why' };
const back = (acceptDataLoss: boolean): Wish => ({ do: 'rollback', reason: 'why', acceptDataLoss });
const asked = (answer: ReturnType<typeof answerForSet>): readonly string[] | string =>
  'refusal' in answer ? answer.refusal : answer.asked.map(({ plan }) => plan.service);
const END = 10_000;

describe('a wish about a set', () => {
  it('is recorded for those it makes sense for', () => {
    const [api, web] = [at('api', 6), at('web', 6, [{ type: 'pause.requested', data: { reason: '' } }])];
    expect(asked(answerForSet({ do: 'pause', reason: '' }, [api, web], [], ASKER))).toEqual(['api']);
    expect(asked(answerForSet({ do: 'resume', reason: '' }, [api, web], [], ASKER))).toEqual(['web']);
    expect(asked(answerForSet(abort, [api, web], [], ASKER))).toEqual(['api', 'web']);
  });

  it('is refused, saying why of each, when it makes sense for none', () => {
    expect(asked(answerForSet({ do: 'resume', reason: '' }, [at('api', 6), at('web', 6)], [], ASKER))).toMatch(/api: .*; web: /);
  });

  it('that takes them back is asked of none while one would not come along without losing what users wrote', () => {
    // Just short of its end: users have been writing to it.
    const states = [at('api', 6), at('web', simulate(aPlan({ migrations: [aMigration('restore')] }), []).events.length - 1, [], true)];
    expect(asked(answerForSet(abort, states, [], ASKER))).toContain('web would not come along');
    expect(asked(answerForSet(back(false), states, [], ASKER))).toContain('web would not come along');
    expect(asked(answerForSet(back(true), states, [], ASKER))).toEqual(['api', 'web']);
  });

  it('that takes them back is refused when one is final, because that one stays', () => {
    expect(asked(answerForSet(abort, [at('api', 6)], [at('web', END)], ASKER))).toContain('web 1.1.0 is released already');
  });

  it('to close them as they stand is about one of them', () => {
    const stuck = at('api', 6, [{ type: 'release.stuck', data: { step: null, reason: 'no' } }]);
    expect(asked(answerForSet({ do: 'accept', reason: 'x' }, [stuck, at('web', 6)], [], ASKER))).toContain('--accept');
  });
});

describe('a wish that is recorded for one after the other', () => {
  /** Asks api and web to abort, of which these have ended in the moment since they were looked at. */
  async function abortBoth(...gone: readonly string[]): Promise<unknown> {
    const said: unknown[] = [];
    const store = {
      load: async (service: string) => ({ events: simulate(aPlan({ release: service }), []).events.slice(0, 6) }),
      request: async (service: string) => {
        if (gone.includes(service)) throw new SlipwayError('not_possible_now', `${service} has ended`);
      },
    };
    const app = {
      opened: { store },
      effects: { clock: { now: () => ASKER.now }, redact: (text: string) => text },
      places: { home: '/nowhere', node: 'elsewhere' },
      secrets: { environmentFor: async () => ({}) },
    } as unknown as App;
    const terminal = { json: true, data: (value: unknown) => said.push(value), note: () => undefined };
    const call = { environment: { SLIPWAY_ACTOR: 'bob' }, terminal } as unknown as Call;
    await ask(call, app, { set: 'shop', releases: ['api', 'web'] }, abort);
    return said;
  }

  it('needs no order for one that has followed the other meanwhile', async () => {
    const api = { release: 'api', requested: 'abort', by: 'bob' };
    expect(await abortBoth()).toEqual([{ set: 'shop', releases: [api, { ...api, release: 'web' }] }]);
    expect(await abortBoth('web')).toEqual([{ set: 'shop', releases: [api] }]);
  });

  it('is refused when the first of them has ended', async () => {
    await expect(abortBoth('api')).rejects.toThrow('api has ended');
  });
});
