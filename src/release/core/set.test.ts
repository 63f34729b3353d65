import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aPlan, aPlanInput } from '../../../test/support/plan.ts';
import type { NewEvent, ReleaseEvent } from './events.ts';
import { next } from './next.ts';
import type { Plan } from './plan.ts';
import { isBack, standingOfAll, type Need, type ReleaseSet, type SetMember } from './set.ts';
import { checkpointOf, foldEvents, type ReleaseState } from './state.ts';

const NAMES = ['api', 'web', 'mail'];

function plansOf(size: number, order: ReleaseSet['order'], kind: 'release' | 'rollback' = 'release'): readonly Plan[] {
  const named = NAMES.slice(0, size).map((service) => ({ service, release: `01${service}` }));
  const members = kind === 'release' ? named : named.toReversed();
  const set = { id: '01api', name: 'shop', order, members };
  return members.map(({ service, release }) => {
    const definition = aDefinition({ service });
    const previous = { ...aPlanInput({ definition }).previous!, group: `${service}/dev/blue` };
    const target = kind === 'release' ? null : { ...previous, version: '0.9.0', group: `${service}/dev/green` };
    return aPlan({ definition, release, set, kind, previous, target, version: target?.version ?? '1.1.0' });
  });
}

/** The members of a set, driven in turn as several workers would, with one step that fails. */
function drive(plans: readonly Plan[], bad: { readonly member: number; readonly step: string } | null) {
  const ledgers = plans.map((plan): ReleaseEvent[] => [
    { type: 'release.requested', data: { plan, wait: false, previousLedger: null }, seq: 0, time: 0, actor: 'ann' },
  ]);
  const told: string[] = [];
  let clock = 0;
  const record = (index: number, event: NewEvent): void =>
    void ledgers[index]?.push({ ...event, seq: ledgers[index].length, time: clock, actor: 'x' });
  const stateOf = ({ release }: SetMember): ReleaseState | null => {
    const events = ledgers[plans.findIndex((plan) => plan.release === release)];
    return events === undefined ? null : foldEvents(events);
  };
  for (let turn = 0, rest = 0; rest <= plans.length; turn++, rest++) {
    clock += 1_000;
    const index = turn % plans.length;
    const plan = plans[index];
    const action = next(foldEvents(ledgers[index] ?? []), clock);
    if (plan === undefined || action.do === 'seal') continue;
    rest = 0;
    if (turn > 3_000) throw new Error('The set never comes to rest');
    if (action.do === 'wait' || action.do === 'plan') continue;
    if (action.do === 'lock') record(index, { type: 'lock.acquired', data: { key: plan.service } });
    else if (action.do === 'record') {
      record(index, action.event);
      if (action.event.type === 'release.finished') told.push(`${plan.service} ${action.event.data.outcome}`);
    } else {
      const { step, attempt, key } = action;
      told.push(`${plan.service} ${step.id}`);
      record(index, { type: 'step.intended', data: { step: step.id, stage: step.stage, attempt, key } });
      const verdict = verdictOf(step.kind, step.input, index, step.id);
      const data = {
        step: step.id,
        stage: step.stage,
        attempt,
        reason: 'simulated',
        retry: verdict !== 'fail',
        startedAt: '',
        finishedAt: '',
        checks: [],
        log: null,
      };
      record(index, { type: 'step.finished', data: { ...data, verdict, facts: { changed: step.kind !== 'companions' } } });
    }
  }
  function verdictOf(kind: string, input: Plan['steps'][number]['input'], index: number, step: string): 'pass' | 'fail' | 'unknown' {
    if (kind === 'companions') {
      const needs = input['needs'] as unknown as readonly Need[];
      return standingOfAll(needs, needs.map(stateOf)).verdict;
    }
    if (kind === 'recall') {
      for (const { release } of input['others'] as unknown as readonly SetMember[]) {
        const other = plans.findIndex((plan) => plan.release === release);
        const state = stateOf({ service: '', release });
        if (state?.outcome === null && state.undo === null && state.rollbackRequest === null)
          record(other, { type: 'rollback.requested', data: { reason: 'a companion failed', acceptDataLoss: false } });
      }
      return (input['first'] as unknown as readonly SetMember[]).every((one) => isBack(stateOf(one))) ? 'pass' : 'unknown';
    }
    return bad?.member === index && bad.step === step ? 'fail' : 'pass';
  }
  return { outcomes: plans.map((_, index) => foldEvents(ledgers[index] ?? []).outcome), told };
}

const shapes = fc.record({
  size: fc.integer({ min: 2, max: 3 }),
  order: fc.constantFrom('together' as const, 'in-turn' as const),
  kind: fc.constantFrom('release' as const, 'rollback' as const),
});

describe('a set', () => {
  it('is released when nothing fails', () => {
    for (const order of ['together', 'in-turn'] as const)
      expect(drive(plansOf(3, order), null).outcomes).toEqual(['released', 'released', 'released']);
  });

  it('never ends with one of its services on the new version and another one on the old', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), fc.nat(), ({ size, order, kind }, who, where) => {
        const plans = plansOf(size, order, kind);
        const member = who % size;
        const steps = (plans[member]?.steps ?? []).filter(({ skip, kind }) => skip === null && kind !== 'companions');
        const bad = steps[where % steps.length];
        const { outcomes } = drive(plans, bad === undefined ? null : { member, step: bad.id });
        expect(outcomes.every((outcome) => outcome === 'rolled-back' || outcome === 'unchanged')).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('begins a service in turn only when the one before it serves, and takes them back in reverse', () => {
    const { told } = drive(plansOf(2, 'in-turn'), { member: 1, step: 'observe.window' });
    expect(told.indexOf('api deploy.switch')).toBeLessThan(told.indexOf('web deploy.start'));
    expect(told.indexOf('web rolled-back')).toBeLessThan(told.indexOf('api rollback.open-old'));
  });

  it('is taken back after its release in the reverse order, as one', () => {
    const { told, outcomes } = drive(plansOf(3, 'in-turn', 'rollback'), null);
    expect(outcomes).toEqual(['released', 'released', 'released']);
    const switched = told.filter((one) => one.endsWith('deploy.switch'));
    expect(switched).toEqual(['mail deploy.switch', 'web deploy.switch', 'api deploy.switch']);
    expect(told.indexOf('mail deploy.switch')).toBeLessThan(told.indexOf('web deploy.start'));
    expect(told.indexOf('api deploy.switch')).toBeLessThan(told.findIndex((one) => one.endsWith(' released')));
  });

  it('moves no users of any service before all of them are smoked, and builds all before any changes', () => {
    const { told } = drive(plansOf(3, 'together'), null);
    const first = told.find((one) => one.endsWith('deploy.switch'));
    for (const name of NAMES) {
      expect(told.indexOf(`${name} verify.smoke`)).toBeLessThan(told.indexOf(first ?? ''));
      expect(told.indexOf(`${name} test.run`)).toBeLessThan(told.findIndex((one) => one.endsWith('deploy.start')));
    }
  });
});

describe('a promotion', () => {
  it('ends checkpoints of a canary, and no meeting of a set', () => {
    const [, web] = plansOf(2, 'together');
    const events = [
      { type: 'release.requested', data: { plan: web!, wait: false, previousLedger: null } } as const,
      { type: 'step.intended', data: { step: 'migrate.companions', stage: 'migrate', attempt: 1, key: 'x' } } as const,
      { type: 'promote.requested', data: { reason: 'now', step: null } } as const,
    ];
    const state = foldEvents(events.map((event, seq) => ({ ...event, seq, time: seq, actor: 'ann' })));
    expect(checkpointOf(state)).toBeUndefined();
    expect(state.promoted).toEqual({});
  });
});

describe('standingOfAll', () => {
  const need: Need = { service: 'web', release: '01web', step: 'deploy.judge-5', until: 'passed' };
  const [, web] = plansOf(2, 'together');
  const fold = (...events: readonly NewEvent[]): ReleaseState =>
    foldEvents(
      [{ type: 'release.requested', data: { plan: web!, wait: false, previousLedger: null } } as const, ...events].map((event, seq) => ({
        ...event,
        seq,
        time: seq,
        actor: 'ann',
      })),
    );

  it('waits for a service nobody has asked for yet, and for none that lacks the step', () => {
    expect(standingOfAll([need], [null])).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringContaining('web has not been asked for') as string,
    });
    expect(standingOfAll([need], [fold()])).toMatchObject({ verdict: 'pass' });
  });

  it.each([
    ['an abort', { type: 'abort.requested', data: { reason: 'no' } }],
    ['an order to go back', { type: 'rollback.requested', data: { reason: 'no', acceptDataLoss: false } }],
    ['an end without a change', { type: 'release.finished', data: { outcome: 'unchanged', reason: 'no' } }],
  ] as const)('fails at %s of another one, whatever the others say', (_what, event) => {
    expect(standingOfAll([need, { ...need, service: 'mail' }], [fold(event), null]).verdict).toBe('fail');
  });
});
