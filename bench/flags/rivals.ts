import { GrowthBookClient, type FeatureDefinition } from '@growthbook/growthbook';
import launchDarkly from '@launchdarkly/node-server-sdk';
import { TestData } from '@launchdarkly/node-server-sdk/integrations';
import { FlagdCore } from '@openfeature/flagd-core';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import semver from 'semver';
import { Unleash } from 'unleash-client';
import { murmur3 } from '../../packages/flags/src/core/hash.ts';
import type { BenchFlag, BenchRules, BenchUser } from './flags.ts';
import { countTrue, countTrueLater, type Subject } from './subject.ts';

const SILENT = { error: () => undefined, warn: () => undefined, info: () => undefined, debug: () => undefined };

function flagdTargeting({ countries, domain, plan, age, version }: BenchRules, key: string): unknown {
  const of = (name: string): unknown => ({ var: name });
  return {
    if: [
      { in: [of('country'), countries] },
      'on',
      { ends_with: [of('email'), domain] },
      'on',
      { '===': [of('plan'), plan] },
      'on',
      { '>': [of('age'), age] },
      'on',
      { sem_ver: [of('version'), '>', version] },
      'on',
      {
        fractional: [{ cat: [key, of('targetingKey')] }, ['on', 50], ['off', 50]],
      },
    ],
  };
}

export function flagd(flags: readonly BenchFlag[], users: readonly BenchUser[]): Subject {
  const core = new FlagdCore(undefined, SILENT);
  const flagOf = ({ key, rules }: BenchFlag): unknown => ({
    state: 'ENABLED',
    variants: { on: true, off: false },
    defaultVariant: rules === null ? 'on' : 'off',
    ...(rules === null ? {} : { targeting: flagdTargeting(rules, key) }),
  });
  core.setConfigurations(JSON.stringify({ flags: Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)])) }));
  const keys = flags.map(({ key }) => key);
  const contexts = users.map(({ id, ...attributes }) => ({ targetingKey: id, ...attributes }));
  return {
    run: (picks) => countTrue(picks, (flag, user) => core.resolveBooleanEvaluation(keys[flag] as string, false, contexts[user]).value),
    close: () => undefined,
  };
}

function unleashStrategies({ countries, domain, plan, age, version }: BenchRules, key: string) {
  const constraint = (contextName: string, operator: string, given: object) => ({
    contextName,
    operator,
    inverted: false,
    values: [],
    ...given,
  });
  const constraints = [
    constraint('country', 'IN', { values: countries }),
    constraint('email', 'STR_ENDS_WITH', { values: [domain] }),
    constraint('plan', 'IN', { values: [plan] }),
    constraint('age', 'NUM_GT', { value: String(age) }),
    constraint('version', 'SEMVER_GT', { value: version }),
  ];
  const half = { name: 'flexibleRollout', parameters: { rollout: '50', stickiness: 'userId', groupId: key }, constraints: [] };
  return [...constraints.map((one) => ({ name: 'default', parameters: {}, constraints: [one] })), half];
}

export async function unleash(flags: readonly BenchFlag[], users: readonly BenchUser[]): Promise<Subject> {
  const data = flags.map(({ key, rules }) => ({
    name: key,
    type: 'release',
    project: 'default',
    enabled: true,
    stale: false,
    impressionData: false,
    variants: [],
    strategies: rules === null ? [{ name: 'default', parameters: {}, constraints: [] }] : unleashStrategies(rules, key),
  }));
  const client = new Unleash({
    appName: 'bench',
    url: 'http://127.0.0.1:9/',
    refreshInterval: 0,
    disableMetrics: true,
    skipInstanceCountWarning: true,
    disableAutoStart: true,
    // Its types want more than its evaluation reads.
    bootstrap: { data: JSON.parse(JSON.stringify(data)) as never },
    storageProvider: { set: async () => undefined, get: async () => undefined },
  });
  client.on('error', () => undefined);
  client.on('warn', () => undefined);
  const ready = new Promise((resolve) => client.once('ready', resolve));
  await client.start();
  await ready;
  const keys = flags.map(({ key }) => key);
  const contexts = users.map(({ id, age, ...attributes }) => ({ userId: id, properties: { ...attributes, age: String(age) } }));
  return {
    run: (picks) => countTrue(picks, (flag, user) => client.isEnabled(keys[flag] as string, contexts[user], false)),
    close: () => client.destroy(),
  };
}

function growthbookRules({ countries, domain, plan, age, version }: BenchRules, key: string) {
  const conditions = [
    { country: { $in: countries } },
    { email: { $regex: `${domain.replaceAll('.', '\\.')}$` } },
    { plan },
    { age: { $gt: age } },
    { version: { $vgt: version } },
  ];
  return [...conditions.map((condition) => ({ condition, force: true })), { coverage: 0.5, hashAttribute: 'id', seed: key, force: true }];
}

export function growthbook(flags: readonly BenchFlag[], users: readonly BenchUser[]): Subject {
  const features = Object.fromEntries(
    flags.map(({ key, rules }) => [
      key,
      rules === null ? { defaultValue: true } : { defaultValue: false, rules: growthbookRules(rules, key) },
    ]),
  );
  const client = new GrowthBookClient().initSync({
    payload: { features: JSON.parse(JSON.stringify(features)) as Record<string, FeatureDefinition> },
  });
  const keys = flags.map(({ key }) => key);
  const contexts = users.map((user) => ({ attributes: { ...user } }));
  return {
    run: (picks) => countTrue(picks, (flag, user) => client.isOn(keys[flag] as string, contexts[user] as { attributes: BenchUser })),
    close: () => client.destroy(),
  };
}

function launchDarklyFlag({ key, rules }: BenchFlag): object {
  const clause = (attribute: string, op: string, values: readonly unknown[]) => ({
    attribute,
    op,
    values,
    negate: false,
    contextKind: 'user',
  });
  const clauses =
    rules === null
      ? []
      : [
          clause('country', 'in', rules.countries),
          clause('email', 'endsWith', [rules.domain]),
          clause('plan', 'in', [rules.plan]),
          clause('age', 'greaterThan', [rules.age]),
          clause('version', 'semVerGreaterThan', [rules.version]),
        ];
  const halves = [
    { variation: 0, weight: 50_000 },
    { variation: 1, weight: 50_000 },
  ];
  return {
    key,
    version: 1,
    on: true,
    variations: [true, false],
    offVariation: 1,
    salt: key,
    targets: [],
    prerequisites: [],
    rules: clauses.map((one, index) => ({ id: `rule-${index}`, clauses: [one], variation: 0 })),
    fallthrough: rules === null ? { variation: 0 } : { rollout: { kind: 'rollout', contextKind: 'user', variations: halves } },
  };
}

export async function launchdarkly(flags: readonly BenchFlag[], users: readonly BenchUser[]): Promise<Subject> {
  const data = new TestData();
  for (const flag of flags) await data.usePreconfiguredFlag(JSON.parse(JSON.stringify(launchDarklyFlag(flag))));
  const client = launchDarkly.init('sdk-bench', {
    updateProcessor: data.getFactory(),
    sendEvents: false,
    diagnosticOptOut: true,
    logger: SILENT,
  });
  await client.waitForInitialization({ timeout: 10 });
  const keys = flags.map(({ key }) => key);
  const contexts = users.map(({ id, ...attributes }) => ({ kind: 'user', key: id, ...attributes }));
  return {
    run: (picks) =>
      countTrueLater(picks, (flag, user) =>
        client.boolVariation(keys[flag] as string, contexts[user] as { kind: 'user'; key: string }, false),
      ),
    close: () => client.close(),
  };
}

/** OpenFeature's own provider in memory; its rules are a function that we had to write. */
export async function openfeature(flags: readonly BenchFlag[], users: readonly BenchUser[]): Promise<Subject> {
  const inRules = ({ countries, domain, plan, age, version }: BenchRules, user: BenchUser): boolean =>
    countries.includes(user.country) ||
    user.email.endsWith(domain) ||
    user.plan === plan ||
    user.age > age ||
    semver.gt(user.version, version);
  const flagOf = ({ key, rules }: BenchFlag) => ({
    variants: { on: true, off: false },
    disabled: false,
    defaultVariant: 'on' as const,
    ...(rules === null
      ? {}
      : {
          contextEvaluator: (context: unknown) => {
            const user = context as BenchUser & { readonly targetingKey: string };
            return inRules(rules, user) || murmur3(key + user.targetingKey) < 2 ** 31 ? ('on' as const) : ('off' as const);
          },
        }),
  });
  const configuration = Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)]));
  await OpenFeature.setProviderAndWait('bench', new InMemoryProvider(configuration));
  const client = OpenFeature.getClient('bench');
  const keys = flags.map(({ key }) => key);
  const contexts = users.map(({ id, ...attributes }) => ({ targetingKey: id, ...attributes }));
  return {
    run: (picks) => countTrueLater(picks, (flag, user) => client.getBooleanValue(keys[flag] as string, false, contexts[user])),
    close: () => OpenFeature.close(),
  };
}
