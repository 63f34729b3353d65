import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { compileFlags, importUnleash, refuseInvalid, type FlagContext, type FlagSet } from '../../src/flags/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import { inProcess, scratch } from '../cli/support.ts';
import { colours, constraint, context, dependency, SEGMENTS, strategies, unleash, variants } from './unleash-world.ts';

const EMPTY: FlagSet = { format: 1, environment: 'import', seq: 0, flags: {}, segments: {} };
const defaults = { type: 'release', owner: 'shop', createdAt: '2026-11-30T00:00:00.000Z', expiresAt: '2027-03-01T00:00:00.000Z' } as const;

type Made = typeof strategies extends fc.Arbitrary<infer T> ? T : never;
const written = (all: Made, some: readonly object[] = []) =>
  all.map(({ base, ...rest }) => ({ ...base, ...rest, ...(some.length === 0 ? {} : { variants: some }) }));
const featureOf = (name: string, enabled: boolean, more: object) => ({
  name,
  type: 'release',
  enabled,
  stale: false,
  variants: [],
  ...more,
});

describe('an import from Unleash', () => {
  it('answers here what unleash-client answers there, where no hash decides', async () => {
    let compared = 0;
    const sets = fc.record({
      parent: fc.tuple(fc.boolean(), strategies),
      colours: fc.tuple(fc.boolean(), strategies, variants, fc.boolean()),
      child: fc.tuple(fc.boolean(), strategies, dependency, colours),
      segments: fc.array(fc.array(constraint, { maxLength: 2 }), { minLength: SEGMENTS, maxLength: SEGMENTS }),
      people: fc.array(context, { minLength: 5, maxLength: 15 }),
    });
    await fc.assert(
      fc.asyncProperty(sets, async ({ parent, colours: [coloursOn, coloured, shades, isOwn], child, segments, people }) => {
        const document = {
          version: 2,
          features: [
            featureOf('child', child[0], { strategies: written(child[1]), dependencies: [...child[2], ...child[3]] }),
            featureOf('parent', parent[0], { strategies: written(parent[1]) }),
            // The older kind of variants belongs to the flag, the newer to a strategy.
            featureOf(
              'colours',
              coloursOn,
              isOwn && coloured.length > 0
                ? { strategies: written(coloured, shades) }
                : { strategies: written(coloured), variants: shades },
            ),
          ],
          segments: segments.map((constraints, index) => ({ id: index + 1, constraints })),
        };
        const imported = importUnleash(document, defaults);
        const left = imported.told.filter(({ kind }) => kind === 'left-out').map(({ flag, message }) => `${flag} ${message}`);
        // That cannot be kept: here a flag without a variant is off.
        expect(left.filter((one) => one !== 'child depends on whether colours is on, which there may be so without a variant')).toEqual([]);
        const set = { ...EMPTY, flags: imported.flags, segments: imported.segments };
        refuseInvalid(EMPTY, set);
        const there = await unleash(document);
        const here = compileFlags(set);
        for (const one of people) {
          const told = JSON.stringify([one, document, set]);
          for (const name of left.length === 0 ? ['child', 'parent'] : ['parent'])
            expect(here.evaluate(`release_${name}`, one).value, `${name} ${told}`).toBe(there.isOn(name, one));
          expect(here.evaluate('release_colours', one).variant, told).toBe(there.variant('colours', one));
          compared += 3;
        }
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(2_000);
  });

  it('gives as many people a share, though not the same ones, and says so', async () => {
    const strategyOf = (rollout: string) => ({
      name: 'flexibleRollout',
      parameters: { rollout, stickiness: 'userId', groupId: 'g' },
      constraints: [],
    });
    const shades = [300, 700].map((weight, index) => ({ name: `v${index}`, weight, stickiness: 'userId' }));
    const document = {
      features: [
        featureOf('a', true, { strategies: [strategyOf('33')] }),
        featureOf('b', true, { strategies: [{ ...strategyOf('100'), variants: shades }] }),
      ],
    };
    const { flags: made, told } = importUnleash(document, defaults);
    expect(told.map(({ flag, message }) => `${flag}: ${message}`)).toEqual(
      expect.arrayContaining([
        'a: strategy 1 (flexibleRollout): buckets are dealt anew, since the hash is another one: as many people have it, but not the same ones',
        expect.stringMatching(/^b: strategy 1 \(flexibleRollout\): variants: buckets are dealt anew/),
      ]),
    );
    const here = compileFlags({ ...EMPTY, flags: made });
    const there = await unleash(document);
    const people = Array.from({ length: 4_000 }, (_one, index) => ({ targetingKey: `user-${index}` }));
    const shareOf = (isIn: (one: FlagContext) => boolean): number => people.filter(isIn).length / people.length;
    expect(Math.abs(shareOf((one) => here.boolean('release_a', one, false)) - shareOf((one) => there.isOn('a', one)))).toBeLessThan(0.04);
    expect(
      Math.abs(shareOf((one) => here.evaluate('release_b', one).variant === 'v0') - shareOf((one) => there.variant('b', one) === 'v0')),
    ).toBeLessThan(0.04);
  });

  it('reads an export as what clients are sent', () => {
    const constraints = [{ contextName: 'plan', operator: 'IN', values: ['pro'] }];
    const feature = {
      name: 'newCart',
      type: 'kill-switch',
      description: 'The new cart',
      createdAt: '2025-01-02T03:04:05.000Z',
      archived: false,
    };
    const strategiesIn = [
      { name: 'default', featureName: 'newCart', sortOrder: 2, parameters: {}, constraints },
      { name: 'userWithId', featureName: 'newCart', sortOrder: 1, parameters: { userIds: 'u1' }, constraints: [] },
      { name: 'default', featureName: 'newCart', sortOrder: 3, parameters: {}, disabled: true },
    ];
    const { flags: made, told } = importUnleash(
      {
        features: [feature, { ...feature, name: 'old', archived: true }, { ...feature, name: 'all-off' }],
        featureStrategies: [...strategiesIn, { name: 'default', featureName: 'all-off', parameters: {}, disabled: true }],
        featureEnvironments: [
          { featureName: 'newCart', environment: 'production', enabled: true, variants: [] },
          { featureName: 'all-off', environment: 'production', enabled: true },
        ],
        featureTags: [{ featureName: 'newCart', tagType: 'simple', tagValue: 'cart' }],
        segments: [{ id: 1, name: 'staff' }],
      },
      defaults,
    );
    expect(made).toMatchObject({
      'ops_new-cart': {
        type: 'ops',
        enabled: true,
        rules: [
          { when: { attribute: 'targetingKey', operator: 'in', values: ['u1'] }, serve: { variant: 'on' } },
          { when: { attribute: 'plan', operator: 'in', values: ['pro'] }, serve: { variant: 'on' } },
        ],
        default: { variant: 'off' },
        about: { description: 'The new cart', owner: 'shop', tags: ['cart'], createdAt: '2025-01-02T03:04:05.000Z', expiresAt: null },
      },
      'ops_all-off': { rules: [], default: { variant: 'off' } },
    });
    expect(told).toContainEqual({ flag: 'old', kind: 'left-out', message: 'is archived' });
  });

  const one = (more: object, others: readonly object[] = []) => ({
    features: [{ name: 'f', type: 'release', enabled: true, ...more }, ...others],
  });
  const by = (given: object) => one({ strategies: [{ name: 'default', parameters: {}, constraints: [given] }] });
  it.each<[string, object, string, RegExp]>([
    [
      'the time',
      by({ contextName: 'currentTime', operator: 'DATE_AFTER', value: '2026-01-01' }),
      'left-out',
      /^strategy 1 \(default\): asks for the time/,
    ],
    [
      'addresses',
      by({ contextName: 'remoteAddress', operator: 'IN_CIDR', values: ['10.0.0.0/8'] }),
      'left-out',
      /IN_CIDR, for which there is nothing/,
    ],
    ['a pattern with a lookahead', by({ contextName: 'plan', operator: 'REGEX', value: '(?=x)' }), 'left-out', /with what we cannot/],
    ['a strategy of its own', one({ strategies: [{ name: 'mine' }] }), 'left-out', /^strategy 1 \(mine\): there is nothing/],
    [
      'a segment without constraints',
      one({ strategies: [{ name: 'default', segments: [1] }] }),
      'left-out',
      /the segment 1, which is not there/,
    ],
    ['a dependency that is not there', one({ dependencies: [{ feature: 'g' }] }), 'left-out', /depends on g, which is not/],
    [
      'a dependency of a dependency',
      one({ dependencies: [{ feature: 'g' }] }, [{ name: 'g', enabled: true, dependencies: [{ feature: 'h' }] }]),
      'left-out',
      /never on there/,
    ],
    [
      'a payload that is none',
      one({ variants: [{ name: 'a', weight: 1, payload: { type: 'json', value: '{' } }] }),
      'left-out',
      /whose payload is no json/,
    ],
    [
      'a share by chance',
      one({ strategies: [{ name: 'flexibleRollout', parameters: { rollout: '20', stickiness: 'random' } }] }),
      'differs',
      /at random each time/,
    ],
    [
      'text that reads as a number',
      by({ contextName: 'age', operator: 'NUM_GT', value: '5' }),
      'differs',
      /^strategy 1 \(default\): age must be a number/,
    ],
    ['variants', one({ variants: [{ name: 'a', weight: 1 }] }), 'differs', /its value is the name of the variant/],
  ])('tells of %s', (_what, document, kind, message) => {
    const { flags: made, told } = importUnleash(document as JsonObject, defaults);
    expect(told).toContainEqual({ flag: 'f', kind, message: expect.stringMatching(message) });
    expect(Object.keys(made).includes('release_f')).toBe(kind !== 'left-out');
  });

  it('is no crash, whatever it holds', () => {
    const wild = fc.record(
      {
        name: fc.string(),
        strategies: fc.jsonValue(),
        variants: fc.jsonValue(),
        dependencies: fc.jsonValue(),
        enabled: fc.jsonValue(),
        tags: fc.jsonValue(),
      },
      { requiredKeys: ['name'] },
    );
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 3 }), fc.jsonValue(), fc.boolean(), (features, other, isExport) => {
        const more = isExport ? { featureStrategies: other, featureEnvironments: other, dependencies: other } : { segments: other };
        const { told, flags: made } = importUnleash({ features, ...more } as unknown as JsonObject, defaults);
        expect(told.length + Object.keys(made).length).toBeGreaterThanOrEqual(features.some(({ name }) => name !== '') ? 1 : 0);
      }),
    );
  });
});

describe('flag import --from unleash', () => {
  const home = scratch();
  afterAll(home.remove);
  it('writes files, tells what is lost, and exits with 6 when something was left out', async () => {
    mkdirSync(path.join(home.path, 'a'));
    const document = {
      features: [
        { name: 'one', type: 'experiment', enabled: true, strategies: [] },
        { name: 'two', enabled: true, strategies: [{ name: 'mine' }] },
      ],
    };
    writeFileSync(path.join(home.path, 'a', 'in.json'), JSON.stringify(document));
    writeFileSync(path.join(home.path, 'a', 'wrong.json'), '{ "flags": {} }');
    const importing = (file: string, ...args: readonly string[]) =>
      inProcess(['-C', path.join(home.path, 'a'), 'flag', 'import', file, '--from', 'unleash', '--owner', 'shop', ...args]);
    expect(await importing('wrong.json')).toMatchObject({ exit: 2, err: expect.stringContaining('is no document of Unleash') });
    expect(await importing('in.json', '--type', 'ops')).toMatchObject({
      exit: 6,
      out: 'Wrote 1 flag to 1 file below flags; 1 left out.\n',
      err: expect.stringContaining('left out: two strategy 1 (mine): there is nothing'),
    });
    const types = await inProcess(['-C', path.join(home.path, 'a'), 'flag', 'types']);
    expect(types.out).toContain('experiment_one: boolean');
  });
});
