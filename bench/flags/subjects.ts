import { flagd, growthbook, launchdarkly, openfeature, unleash } from './rivals.ts';
import { slipwayByHandle, slipwayByKey } from './slipway.ts';
import type { Load } from './subject.ts';

/** Flags that have the same rules, of 10,000: a product of a hundred plans, countries, companies and versions. */
export const ALIKE = 100;

export const SUBJECTS: Readonly<Record<string, Load>> = {
  'slipway, handle': slipwayByHandle,
  'slipway, key': slipwayByKey,
  'flagd-core': flagd,
  'unleash-client': unleash,
  GrowthBook: growthbook,
  LaunchDarkly: launchdarkly,
  'OpenFeature in-memory': openfeature,
};
