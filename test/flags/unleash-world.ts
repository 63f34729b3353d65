import fc from 'fast-check';
import { Unleash } from 'unleash-client';
import type { FlagContext } from '../../src/flags/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';

interface There {
  readonly isOn: (name: string, context: FlagContext) => boolean;
  readonly variant: (name: string, context: FlagContext) => string;
}

/** The real client, which evaluates the document without a server. */
export async function unleash(document: { readonly features: readonly unknown[]; readonly segments?: readonly unknown[] }): Promise<There> {
  const client = new Unleash({
    appName: 'test',
    url: 'http://127.0.0.1:9/',
    refreshInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    disableAutoStart: true,
    // Its types want more than its evaluation reads.
    bootstrap: {
      data: JSON.parse(JSON.stringify(document.features)) as never,
      segments: JSON.parse(JSON.stringify(document.segments ?? [])) as never,
    },
    storageProvider: { set: async () => undefined, get: async () => undefined },
  });
  client.on('error', () => undefined);
  client.on('warn', () => undefined);
  const ready = new Promise((resolve) => client.once('ready', resolve));
  await client.start();
  await ready;
  client.destroy();
  // As its users do: what it has a name for stands beside, not among, the properties.
  const contextOf = ({ targetingKey: userId, sessionId, ...properties }: FlagContext) =>
    JSON.parse(JSON.stringify({ userId, sessionId, properties })) as Record<string, never>;
  return {
    isOn: (name, context) => client.isEnabled(name, contextOf(context), false),
    variant: (name, context) => client.getVariant(name, contextOf(context)).name,
  };
}

// Fields have one type each: what differs where they have another is told, and in the cases below.
const TEXTS = ['pro', 'free', 'Łódź', 'AT', 'at', 'x', 'pro-at', 'a.b*c', ''];
const field = fc.constantFrom('plan', 'country', 'user.mail');
const value = fc.constantFrom('pro', 'free', 'AT', 'at', ' x ', '', 'Łódź', 'a.b*c', 'o');
const flags = { inverted: fc.boolean(), caseInsensitive: fc.boolean() };
export const constraint = fc.oneof(
  fc.record({
    contextName: field,
    operator: fc.constantFrom('IN', 'NOT_IN'),
    values: fc.array(value, { maxLength: 3 }),
    inverted: fc.boolean(),
  }),
  fc.record({
    contextName: fc.constant('userId'),
    operator: fc.constantFrom('IN', 'NOT_IN'),
    values: fc.array(fc.constantFrom('u1', 'u2', 'u3'), { maxLength: 2 }),
    inverted: fc.boolean(),
  }),
  fc.record({
    contextName: field,
    operator: fc.constantFrom('STR_STARTS_WITH', 'STR_ENDS_WITH', 'STR_CONTAINS'),
    values: fc.array(
      value.filter((text) => /^[\x20-\x7e]*$/.test(text)),
      { maxLength: 3 },
    ),
    ...flags,
  }),
  fc.record({
    contextName: fc.constant('age'),
    operator: fc.constantFrom('NUM_EQ', 'NUM_LT', 'NUM_LTE', 'NUM_GT', 'NUM_GTE'),
    value: fc.constantFrom('0', '18', '20.5', '-3', 'x'),
    values: fc.constant([]),
    inverted: fc.boolean(),
  }),
  fc.record({
    contextName: fc.constant('version'),
    operator: fc.constantFrom('SEMVER_EQ', 'SEMVER_LT', 'SEMVER_LTE', 'SEMVER_GT', 'SEMVER_GTE'),
    value: fc.constantFrom('1.2.3', '2.0.0', '2.0.0-rc.1'),
    values: fc.constant([]),
    inverted: fc.boolean(),
  }),
  fc.record({
    contextName: field,
    operator: fc.constant('REGEX'),
    value: fc.constantFrom('^pro', 'o$', '[A-Z]+', 'a.b'),
    values: fc.constant([]),
    inverted: fc.boolean(),
  }),
);
export const SEGMENTS = 3;
const plain = fc.constantFrom(
  { name: 'default', parameters: {} },
  { name: 'flexibleRollout', parameters: { rollout: '100', stickiness: 'default', groupId: 'g' } },
  { name: 'flexibleRollout', parameters: { rollout: '100', stickiness: 'plan', groupId: 'g' } },
  { name: 'flexibleRollout', parameters: { rollout: 100, stickiness: 'random' } },
  { name: 'flexibleRollout', parameters: { rollout: '0', stickiness: 'userId', groupId: 'g' } },
  { name: 'flexibleRollout', parameters: { rollout: '0.5', stickiness: 'userId', groupId: 'g' } },
  { name: 'gradualRolloutUserId', parameters: { percentage: '100', groupId: 'g' } },
  { name: 'gradualRolloutSessionId', parameters: { percentage: '100', groupId: 'g' } },
  { name: 'userWithId', parameters: { userIds: 'u1, u3' } },
  { name: 'userWithId', parameters: {} },
);
const overrides = fc.array(
  fc.record({
    contextName: fc.constantFrom('plan', 'userId'),
    values: fc.array(fc.constantFrom('pro', 'u1', 'free'), { minLength: 1, maxLength: 2 }),
  }),
  { maxLength: 2 },
);
/** Of which one alone has weight, so that no hash decides. */
export const variants = fc.tuple(overrides, overrides, fc.constantFrom([1000, 0], [0, 1], [0, 0])).map(([first, second, weights]) => [
  { name: 'red', weight: weights[0], stickiness: 'default', overrides: first, payload: { type: 'string', value: '#f00' } },
  { name: 'blue', weight: weights[1], stickiness: 'default', overrides: second, payload: { type: 'string', value: '#00f' } },
]);
const strategy = fc.record({
  base: plain,
  constraints: fc.array(constraint, { maxLength: 3 }),
  segments: fc.array(fc.integer({ min: 1, max: SEGMENTS }), { maxLength: 1 }),
});
export const strategies = fc.array(strategy, { maxLength: 3 });
export const dependency = fc.constantFrom<readonly JsonObject[]>([], [{ feature: 'parent' }], [{ feature: 'parent', enabled: false }]);
export const colours = fc.constantFrom<readonly JsonObject[]>(
  [],
  [{ feature: 'colours', variants: ['red'] }],
  [{ feature: 'colours', enabled: false }],
);
export const context = fc.record(
  {
    targetingKey: fc.constantFrom('u1', 'u2', 'u3'),
    plan: fc.constantFrom(...TEXTS),
    country: fc.constantFrom(...TEXTS),
    'user.mail': fc.constantFrom(...TEXTS),
    age: fc.constantFrom(0, 17, 18, 20.5, 21, -3),
    version: fc.constantFrom('1.2.3', '1.2.4', '2.0.0', '2.0.0-rc.1', '2.0.0+build', '10.0.0'),
    sessionId: fc.constantFrom('s1', 's2'),
  },
  { requiredKeys: [] },
);
