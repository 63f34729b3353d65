import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { flagWorld } from './flag-world.ts';

const { home, ask, json, create } = flagWorld();
beforeAll(async () => void (await create('release_who')));

const whenOf = async (given: string): Promise<unknown> => {
  const { exit, err } = await ask('flag', 'segment', 'who', '--when', given);
  if (exit !== 0) return err;
  const { segments } = (await json('flag', 'segment', 'who')) as {
    readonly segments: readonly { readonly segment: { readonly when: unknown } }[];
  };
  return segments[0]?.segment.when;
};

describe('a condition on the command line', () => {
  it('is written as in files of flags', async () => {
    expect(await whenOf('{ attribute: plan, in: [pro, team] }')).toEqual({ attribute: 'plan', operator: 'in', values: ['pro', 'team'] });
    expect(await whenOf('{ any: [{ percentage: 5%, by: company }, { not: { attribute: mail, endsWith: "@x.example" } }] }')).toEqual({
      any: [{ percentage: 5_000, by: 'company' }, { not: { attribute: 'mail', operator: 'endsWith', values: ['@x.example'] } }],
    });
    writeFileSync(join(home, 'list.yaml'), '- { attribute: plan, exists: true }\n- { attribute: age, gte: 18 }\n');
    expect(await whenOf(`@${join(home, 'list.yaml')}`)).toEqual({
      all: [
        { attribute: 'plan', operator: 'exists' },
        { attribute: 'age', operator: 'gte', value: 18 },
      ],
    });
  });

  it('may be one that the API, or --json, gave', async () => {
    const given = { all: [{ attribute: 'plan', operator: 'in', values: ['pro'] }, { percentage: 5_000 }] };
    expect(await whenOf(JSON.stringify(given))).toEqual(given);
  });

  it.each([
    ['{ attribute: plan }', '--when: compares plan with nothing; the operators are exists'],
    ['{ all: [{ attribute: plan, equals: pro }] }', '--when: all[0].equals "equals" is not a key here'],
    ['{ percentage: 5 }', '--when: percentage must be a share in percent such as 10%, not 5'],
    ['{}', '--when: says nothing to hold'],
    ['{ attribute: plan, operator: is, value: pro }', 'operator must be one of'],
  ])('%s is refused with its place', async (given, said) => {
    expect(await whenOf(given)).toContain(said);
  });
});

describe('a condition in a file of flags', () => {
  it('that is written as in the API is refused, with how it is written there', async () => {
    const folder = join(home, 'files');
    mkdirSync(join(folder, 'flags'), { recursive: true });
    const when = ['{ attribute: plan, operator: in, values: [pro] }', '{ not: { attribute: plan, operator: exists } }'];
    const segments = when.map((one, index) => `  s${index}:\n    when: ${one}\n`);
    writeFileSync(join(folder, 'flags', 'all.yaml'), `segments:\n${segments.join('')}`);
    const { exit, err } = await ask('-C', folder, 'flag', 'test');
    expect([exit, err.match(/is how the API writes a condition.*/g)]).toEqual([
      2,
      [
        'is how the API writes a condition; in a file it is {"attribute":"plan","in":["pro"]}',
        'is how the API writes a condition; in a file it is {"attribute":"plan","exists":true}',
      ],
    ]);
    expect(err).not.toContain('with nothing');
    expect(err).toContain('flags/all.yaml:3:30  segments.s0.when.operator');
  });
});
