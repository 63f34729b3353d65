import { expect, it } from 'vitest';
import type { Evaluation } from '../core/evaluator.ts';
import { featureFlagAttributes } from './attributes.ts';

const SERVED: Evaluation = {
  key: 'release_a',
  value: true,
  variant: 'on',
  reason: 'TARGETING_MATCH',
  rule: 'staff',
  prerequisite: null,
  errorCode: null,
  errorMessage: null,
};

it('names an evaluation as the semantic conventions do, and tells the value only where no variant does', () => {
  expect(featureFlagAttributes(SERVED)).toEqual({
    'feature_flag.key': 'release_a',
    'feature_flag.provider.name': 'slipway',
    'feature_flag.result.reason': 'targeting_match',
    'feature_flag.result.variant': 'on',
  });
  expect(featureFlagAttributes({ ...SERVED, variant: null })).toMatchObject({ 'feature_flag.result.value': true });
});

it('names whom it was for and which flags it is of where that is given', () => {
  expect(featureFlagAttributes(SERVED, 'u1', { environment: 'prd', seq: 412 })).toMatchObject({
    'feature_flag.context.id': 'u1',
    'feature_flag.set.id': 'prd',
    'feature_flag.version': '412',
  });
  expect(Object.keys(featureFlagAttributes(SERVED, undefined, { environment: null, seq: null }))).toHaveLength(4);
});

it('names an error, and what it says', () => {
  const failed: Evaluation = {
    ...SERVED,
    value: undefined,
    variant: null,
    reason: 'ERROR',
    errorCode: 'FLAG_NOT_FOUND',
    errorMessage: 'There is no flag "release_a".',
  };
  expect(featureFlagAttributes(failed)).toEqual({
    'feature_flag.key': 'release_a',
    'feature_flag.provider.name': 'slipway',
    'feature_flag.result.reason': 'error',
    'error.type': 'flag_not_found',
    'feature_flag.error.message': 'There is no flag "release_a".',
  });
});
