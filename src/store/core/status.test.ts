import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, NO_PROGRESS, statusOf } from './status.ts';

const after = (...events: readonly (readonly [string, unknown?])[]) =>
  events.map(([type, data = {}]) => ({ type, data })).reduce(advance, NO_PROGRESS);

describe('the status of a release', () => {
  it.each([
    ['queued', false, after()],
    ['queued', true, after(['lock.waiting'])],
    ['queued', true, after(['lock.acquired'])],
    ['running', false, after(['lock.acquired'])],
    ['running', false, after(['step.intended'])],
    ['waiting', true, after(['step.intended'])],
    ['paused', true, after(['step.intended'], ['pause.requested'])],
    ['running', false, after(['step.intended'], ['pause.requested'], ['resume.requested'])],
    ['rolling-back', true, after(['step.intended'], ['rollback.started'])],
    ['rolling-back', false, after(['step.intended'], ['pause.requested'], ['rollback.started'])],
    ['stuck', true, after(['rollback.started'], ['pause.requested'], ['release.stuck'])],
    ['rolling-back', false, after(['rollback.started'], ['release.stuck'], ['resume.requested'])],
    // Until somebody acts upon it: a worker of an older build does not.
    ['stuck', false, after(['step.intended'], ['release.stuck'], ['abort.requested'])],
    ['released', true, after(['step.intended'], ['pause.requested'], ['release.finished', { outcome: 'released' }])],
    ['quantum', true, after(['release.finished', { outcome: 'quantum' }])],
  ])('is %s (parked: %s)', (status, parked, progress) => {
    expect(statusOf(progress, parked)).toBe(status);
  });

  it('is not moved by kinds it does not know, wherever they stand', () => {
    const known = fc.constantFrom(
      'lock.waiting',
      'lock.acquired',
      'step.intended',
      'step.skipped',
      'pause.requested',
      'resume.requested',
      'abort.requested',
      'rollback.requested',
      'rollback.started',
      'release.stuck',
    );
    const unknown = fc.string().map((text) => `new.${text}`);
    fc.assert(
      fc.property(fc.array(fc.oneof(known, unknown)), fc.boolean(), (types, parked) => {
        const run = (list: readonly string[]) => statusOf(list.map((type) => ({ type, data: {} })).reduce(advance, NO_PROGRESS), parked);
        expect(run(types)).toBe(run(types.filter((type) => !type.startsWith('new.'))));
      }),
    );
  });
});
