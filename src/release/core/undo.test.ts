import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aMigration, aPlan } from '../../../test/support/plan.ts';
import type { Plan } from './plan.ts';
import { foldEvents } from './state.ts';
import { planUndo } from './undo.ts';

/** A ledger in which every step that is not skipped was begun. */
function begun(plan: Plan) {
  const requested = { type: 'release.requested', data: { plan, wait: false, previousLedger: null } } as const;
  const intents = plan.steps
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
});
