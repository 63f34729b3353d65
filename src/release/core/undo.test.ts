import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aMigration, aPlan } from '../../../test/support/plan.ts';
import type { Plan } from './plan.ts';
import type { NewEvent } from './events.ts';
import { applyEvent, foldEvents } from './state.ts';
import { planUndo } from './undo.ts';

const outcome = {
  stage: 'deploy',
  attempt: 1,
  verdict: 'fail',
  reason: 'x',
  retry: false,
  startedAt: '',
  finishedAt: '',
  checks: [],
  facts: {},
  log: null,
} as const;

/** A ledger in which every step up to one that is not skipped was begun. */
function begun(plan: Plan, last?: string) {
  const requested = { type: 'release.requested', data: { plan, wait: false, previousLedger: null } } as const;
  const end = last === undefined ? plan.steps.length : plan.steps.findIndex((step) => step.id === last) + 1;
  const intents = plan.steps
    .slice(0, end)
    .filter((step) => step.skip === null)
    .map((step) => ({ type: 'step.intended', data: { step: step.id, stage: step.stage, attempt: 1, key: step.id } }) as const);
  return foldEvents([requested, ...intents].map((event, seq) => ({ ...event, seq, time: seq, actor: 'ann' })));
}

describe('planUndo', () => {
  it('takes a way back that two steps share once, and smokes the old version before users reach it', () => {
    // Traffic is held for the backup and again for the deployment.
    const plan = aPlan({
      definition: aDefinition({ strategy: { name: 'recreate', because: 'one licence' } }),
      migrations: [aMigration('app')],
      backupNeedsQuiet: true,
    });
    const ids = planUndo(begun(plan)).steps.map((step) => step.id);
    expect(ids.filter((id) => id === 'rollback.open-old')).toHaveLength(1);
    expect(ids.indexOf('rollback.re-smoke')).toBeLessThan(ids.indexOf('rollback.open-old'));
    expect(ids.indexOf('rollback.start-old')).toBeLessThan(ids.indexOf('rollback.re-smoke'));
  });

  it('takes a switch that was refused for one that never was, unless an earlier try of it may have happened', () => {
    const plan = aPlan({ migrations: [aMigration('restore')] });
    expect(plan.rollback.pointOfNoReturn).toBe('deploy.switch');
    const state = begun(plan, 'deploy.switch');
    const refused = { type: 'step.finished', data: { ...outcome, step: 'deploy.switch', facts: { changed: false } } } as const;
    const after = (...events: readonly NewEvent[]) =>
      events.reduce((now, event) => applyEvent(now, { ...event, seq: now.size, time: now.size, actor: 'ann' }), state);
    const undo = planUndo(after(refused));
    expect(undo.refused).toBeNull();
    expect(undo.steps.map(({ id }) => id)).toContain('rollback.restore');
    expect(undo.skipped).toContainEqual({ step: 'rollback.hold', reason: 'the route was not changed' });
    const cutOff = { type: 'step.interrupted', data: { step: 'deploy.switch', attempt: 1 } } as const;
    const again = { type: 'step.intended', data: { step: 'deploy.switch', stage: 'deploy', attempt: 2, key: 'k' } } as const;
    expect(planUndo(after(cutOff, again, refused)).refused).toContain('may have been writing');
    expect(planUndo(after(refused, again)).refused).toContain('may have been writing');
    const passed = { type: 'step.finished', data: { ...outcome, verdict: 'pass', step: 'deploy.switch' } } as const;
    expect(planUndo(after(passed)).refused).toContain('have been writing');
    // Users are where the last step before it put them.
    expect(after(refused).placement).toMatchObject({ step: { id: 'migrate.hold' } });
    expect(after(passed).placement).toMatchObject({ step: { id: 'deploy.switch' }, known: true });
  });
});
