import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inProcess, scratch } from '../cli/support.ts';

const home = scratch();
afterAll(home.remove);
let count = 0;

const FLAG = `flags:
  release_a:
    type: release
    owner: team
    expires: 2027-03-31
    rules: [{ name: staff, when: { attribute: email, endsWith: "@example.com" }, serve: on }]
    environments: { dev: { default: on }, prd: {}, old: absent }
`;

async function flagTest(tests: string, ...args: readonly string[]) {
  const folder = path.join(home.path, String(count++));
  mkdirSync(path.join(folder, 'flags'), { recursive: true });
  writeFileSync(path.join(folder, 'flags/a.yaml'), FLAG + tests);
  return inProcess(['-C', folder, 'flag', 'test', ...args]);
}

describe('slipway flag test', () => {
  it('evaluates every assertion in every environment that has the flag', async () => {
    const tests = `    tests:
      - { context: { targetingKey: u, email: a@example.com }, expect: on }
      - { environment: prd, context: { targetingKey: u }, expect: { value: false, variant: off, reason: DEFAULT, rule: null } }
      - { environment: dev, expect: { reason: DEFAULT, variant: on } }
`;
    expect(await flagTest(tests)).toMatchObject({
      exit: 0,
      out: expect.stringContaining('4 assertions passed, 0 failed, in 2 environments'),
    });
    expect(await flagTest(tests, '-e', 'prd')).toMatchObject({
      exit: 0,
      out: expect.stringContaining('2 assertions passed, 0 failed, in 1 environment'),
    });
  });

  it('says of a failure what was expected, what was served to whom, and where it stands', async () => {
    const tests =
      '    tests:\n      - name: staff sees it\n        environment: prd\n        context: { targetingKey: u1 }\n        expect: { value: true, rule: staff }\n';
    const ran = await flagTest(tests);
    expect(ran).toMatchObject({ exit: 6 });
    expect(ran.out).toContain(
      '✗ release_a in prd: staff sees it  flags/a.yaml:9\n    context: { targetingKey: u1 }\n    value: expected true, got false\n    rule: expected staff, got none\n',
    );
    const { verdict, results } = JSON.parse((await flagTest(tests, '--json')).out) as { verdict: string; results: unknown };
    expect(verdict).toBe('fail');
    expect(results).toMatchObject([
      {
        environment: 'prd',
        flag: 'release_a',
        verdict: 'fail',
        differences: [{ what: 'value', expected: true, actual: false }, { what: 'rule' }],
      },
    ]);
  });

  it('does not pass where the flag is absent, nor where nothing is asserted', async () => {
    const ran = await flagTest('    tests: [{ environment: old, expect: off }]\n');
    expect(ran).toMatchObject({ exit: 6, out: expect.stringContaining('it cannot be evaluated: "There is no flag') });
    expect(await flagTest('')).toMatchObject({ exit: 6, out: expect.stringContaining('there is no assertion') });
    expect(await flagTest('    tests: [{ environment: dev, expect: on }]\n', 'release_b')).toMatchObject({ exit: 6 });
  });

  it('refuses files that cannot be evaluated, with their place', async () => {
    const ran = await flagTest('    prerequisites: { release_z: on }\n    tests: [{ environment: dev, expect: on }]\n');
    expect(ran).toMatchObject({ exit: 2, err: expect.stringMatching(/flags\/a\.yaml:8:\d+ {2}release_a\.prerequisites.*release_z/) });
    expect(await flagTest('    tests: [{ expct: on }]\n')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('did you mean "expect"?'),
    });
  });
});
