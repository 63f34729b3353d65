import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../test/support/definition.ts';
import { aPlan } from '../../../test/support/plan.ts';
import { DEFAULT_POLICY } from '../../analysis/index.ts';
import type { NewEvent } from './events.ts';
import { next } from './next.ts';
import { foldEvents, type ReleaseState } from './state.ts';

const base = aDefinition();
const plan = aPlan({
  definition: aDefinition({
    strategy: {
      name: 'canary',
      because: null,
      canary: {
        checkpoints: [
          { weight: 5, forMs: 0, pause: false },
          { weight: 50, forMs: 0, pause: false },
        ],
        everyMs: 500,
        policy: DEFAULT_POLICY,
      },
    },
    rollback: { ...base.rollback, automatic: false, because: 'a person looks first' },
  }),
});

const fold = (events: readonly NewEvent[]): ReleaseState =>
  foldEvents(
    [{ type: 'release.requested', data: { plan, wait: false, previousLedger: null } } as const, ...events].map((event, seq) => ({
      ...event,
      seq,
      time: seq,
      actor: 'bob',
    })),
  );

const passed = (step: string, verdict: 'pass' | 'fail' = 'pass'): readonly NewEvent[] => [
  { type: 'step.intended', data: { step, stage: 'deploy', attempt: 1, key: step } },
  {
    type: 'step.finished',
    data: {
      step,
      stage: 'deploy',
      attempt: 1,
      verdict,
      reason: 'seen',
      retry: false,
      startedAt: '',
      finishedAt: '',
      checks: [],
      facts: {},
      log: null,
    },
  },
];

/** Everything up to the first checkpoint passed, and that one failed. */
const failed = [
  { type: 'lock.acquired', data: { key: 'shop/dev' } } as const,
  ...plan.steps
    .slice(
      0,
      plan.steps.findIndex(({ id }) => id === 'deploy.judge-5'),
    )
    .flatMap(({ id, stage, skip }): readonly NewEvent[] =>
      skip === null ? passed(id) : [{ type: 'step.skipped', data: { step: id, stage, reason: skip } }],
    ),
  ...passed('deploy.judge-5', 'fail'),
];
const promote = { type: 'promote.requested', data: { reason: 'the errors are known', step: 'deploy.judge-5' } } as const;
const stuck = { type: 'release.stuck', data: { step: 'deploy.judge-5', reason: 'turned off' } } as const;

describe('a canary that failed where automatic rollback is off', () => {
  it('waits for a person, who may promote it past the failure', () => {
    expect(next(fold(failed), 100)).toMatchObject({ do: 'record', event: { type: 'release.stuck', data: { step: 'deploy.judge-5' } } });
    const state = fold([...failed, stuck, promote]);
    expect(state.stuck).toBeNull();
    expect(next(state, 100)).toMatchObject({ do: 'run', step: { id: 'deploy.weight-50' } });
  });

  it('is not promoted by somebody who asked before it failed', () => {
    expect(fold([...failed.slice(0, -1), promote, ...failed.slice(-1), stuck]).stuck).not.toBeNull();
  });

  it('is looked at again, promoted or not, when it failed in a try that is not the last', () => {
    const again = failed.map((event, index) =>
      event.type === 'step.finished' && index === failed.length - 1 ? { ...event, data: { ...event.data, retry: true } } : event,
    );
    expect(next(fold([...again, promote]), 1e9)).toMatchObject({ do: 'run', step: { id: 'deploy.judge-5' } });
  });

  it('is not promoted by a wish for another checkpoint', () => {
    const other = { type: 'promote.requested', data: { reason: 'later', step: 'deploy.judge-50' } } as const;
    expect(fold([...failed, stuck, other]).stuck).not.toBeNull();
  });
});
