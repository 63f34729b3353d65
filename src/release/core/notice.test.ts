import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aMigration, aPlan, aPlanInput } from '../../../test/support/plan.ts';
import { simulate, type Run } from '../../../test/release/simulate.ts';
import { DEFAULT_POLICY } from '../../analysis/index.ts';
import type { NewEvent } from './events.ts';
import { failureRequest, rollbackNotice } from './notice.ts';
import { foldEvents } from './state.ts';

const owners = { application: 'team-shop', database: 'dba', secrets: 'security' };

/** A release in which this step fails. */
function failingIn(step: string, targetMs = 60_000): Run {
  const definition = aDefinition({ owners, rollback: { ...aDefinition().rollback, targetMs } });
  const plan = aPlan({ definition, migrations: [aMigration('restore')] });
  for (let turn = 0; turn < 60; turn++) {
    const run = simulate(plan, [
      ...Array.from({ length: turn }, () => null),
      { kind: 'outcome', verdict: 'fail', retry: false, half: true },
    ]);
    if (run.state.steps[step]?.status === 'fail') return run;
  }
  throw new Error(`${step} never ran`);
}

describe('the rollback notice', () => {
  it('says from what to what, when, how long against the target, why, and whom to ask', () => {
    const { state, events } = failingIn('verify.smoke');
    const notice = rollbackNotice(state, events) ?? '';
    expect(state.outcome).toBe('rolled-back');
    for (const line of ['# Rollback of shop in dev', '- From: 1.1.0', '- To: 1.0.0', 'target 1m: pass', '- Reason: ', '- Contact: '])
      expect(notice).toContain(line);
  });

  it('says what became of the flags, where the version carried some', () => {
    const { state, events } = failingIn('verify.smoke');
    expect(rollbackNotice(state, events)).not.toContain('- Flags: ');
    const told = events.map((event) =>
      event.type === 'step.finished' && event.data.stage === 'rollback'
        ? { ...event, data: { ...event.data, step: 'rollback.flags-off', reason: 'release_checkout is off now' } }
        : event,
    );
    expect(rollbackNotice(state, told)).toContain('\n- Flags: release_checkout is off now\n');
  });

  it('counts as degraded only the time for which the old version did not have the traffic', () => {
    const plan = aPlan();
    const routed = (mode: string, where: string): NewEvent => ({
      type: 'step.finished',
      data: {
        step: 'deploy.x',
        stage: 'deploy',
        attempt: 1,
        verdict: 'pass',
        reason: '',
        retry: false,
        startedAt: '',
        finishedAt: '',
        checks: [],
        facts: { mode, where },
        log: null,
      },
    });
    const told: readonly (readonly [at: number, event: NewEvent])[] = [
      [0, { type: 'release.requested', data: { plan, wait: false, previousLedger: null } }],
      // Held for the backup, then hours of building; then on the new version for a while.
      [1_000, routed('hold', '1.0.0 100 %')],
      [3_000, routed('open', '1.0.0 100 %')],
      [7_200_000, routed('open', '1.1.0 100 %')],
      [7_201_000, { type: 'rollback.started', data: { cause: 'x', steps: [], skipped: [] } }],
      [7_203_000, routed('open', '1.0.0 100 %')],
      [7_204_000, { type: 'release.finished', data: { outcome: 'rolled-back', reason: '' } }],
    ];
    const events = told.map(([time, event], seq) => ({ ...event, seq, time, actor: 'ann' }));
    expect(rollbackNotice(foldEvents(events), events)).toContain('- Degraded for: 5');
  });

  /** A release that was taken back after these routes, a second apart. */
  const takenBack = (...routes: readonly (readonly [step: string, mode: string, where: string])[]): string => {
    const canary = { checkpoints: [{ weight: 20, forMs: 0, pause: false }], everyMs: 500, policy: DEFAULT_POLICY };
    const plan = aPlan({ definition: aDefinition({ strategy: { name: 'canary', because: null, canary } }) });
    const finished = {
      attempt: 1,
      verdict: 'pass',
      reason: '',
      retry: false,
      startedAt: '',
      finishedAt: '',
      checks: [],
      log: null,
    } as const;
    const told: readonly NewEvent[] = [
      { type: 'release.requested', data: { plan, wait: false, previousLedger: null } },
      ...routes.map(([step, mode, where]): NewEvent => ({
        type: 'step.finished',
        data: { ...finished, step, stage: 'deploy', facts: { mode, where } },
      })),
      { type: 'rollback.started', data: { cause: 'x', steps: [], skipped: [] } },
      {
        type: 'step.finished',
        data: { ...finished, step: 'rollback.open-old', stage: 'rollback', facts: { mode: 'open', where: '1.0.0 100 %' } },
      },
      { type: 'release.finished', data: { outcome: 'rolled-back', reason: '' } },
    ];
    const events = told.map((event, seq) => ({ ...event, seq, time: seq * 1_000, actor: 'ann' }));
    return rollbackNotice(foldEvents(events), events) ?? '';
  };

  it('says of a canary how many users had it, and of held traffic that it was held', () => {
    expect(takenBack(['deploy.weight-20', 'open', '1.0.0 80 %, 1.1.0 20 %'])).toContain(
      '- Customer impact: up to 20 % of the users were on 1.1.0 for 2s\n',
    );
    expect(takenBack(['backup.hold', 'hold', 'nowhere'])).toContain('- Customer impact: requests were held for 2s, and answered');
    expect(takenBack()).toContain('- Customer impact: none seen by the router');
  });

  it('is written for a rollback that is a release of its own, with the reason that was given', () => {
    const target = { ...aPlanInput().previous!, version: '0.9.0' };
    const { state, events } = simulate(aPlan({ kind: 'rollback', target, version: '0.9.0', reason: 'orders fail' }), []);
    const notice = rollbackNotice(state, events) ?? '';
    for (const line of ['- From: 1.0.0', '- To: 0.9.0', ': pass', '- Degraded for: at least', '- Reason: orders fail', '- Contact: '])
      expect(notice).toContain(line);
  });

  it('is not written for a release that worked, or that changed nothing', () => {
    const good = simulate(aPlan(), []);
    expect(rollbackNotice(good.state, good.events)).toBeNull();
    expect(failureRequest(good.state, good.events)).toBeNull();
    const early = failingIn('preflight.checks');
    expect(early.state.outcome).toBe('unchanged');
    expect(rollbackNotice(early.state, early.events)).toBeNull();
    expect(failureRequest(early.state, early.events)).toMatchObject({ class: 'application', owner: 'team-shop', step: 'preflight.checks' });
  });

  it('goes to the owner of the database when the migration failed', () => {
    const { state, events } = failingIn('migrate.apply');
    expect(failureRequest(state, events)).toMatchObject({ class: 'database', owner: 'dba', step: 'migrate.apply' });
  });
});

describe('the rollback time', () => {
  it('fails its gate when it misses the declared target', () => {
    const run = failingIn('verify.smoke', 1);
    const finished = run.events.at(-1);
    expect(finished?.type === 'release.finished' && finished.data.rollback).toMatchObject({ targetMs: 1, verdict: 'fail' });
    expect(finished?.type === 'release.finished' && finished.data.reason).toContain('misses the target of 1ms');
  });
});
