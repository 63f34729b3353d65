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

interface Beside {
  readonly more?: Readonly<Record<string, string>>;
  readonly config?: string;
}

async function flagTest(tests: string, ...rest: readonly (string | Beside)[]) {
  const { more = {}, config }: Beside = rest.find((one) => typeof one !== 'string') ?? {};
  const args = rest.filter((one) => typeof one === 'string');
  const folder = path.join(home.path, String(count++));
  mkdirSync(path.join(folder, 'flags'), { recursive: true });
  for (const [name, text] of Object.entries({ 'a.yaml': FLAG + tests, ...more })) writeFileSync(path.join(folder, 'flags', name), text);
  if (config !== undefined) writeFileSync(path.join(folder, 'slipway.yaml'), config);
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

  it('a test that names what is not there is a mistake of the file, and no failed test', async () => {
    const wrong =
      '    tests:\n      - { environment: old, expect: off }\n      - { environment: prd, expect: { variant: red, rule: nobody } }\n';
    const { exit, err } = await flagTest(wrong);
    expect(exit).toBe(2);
    expect(err).toContain('flags/a.yaml:9:24  release_a.tests[0].environment names old, and the flag is not there (in old)');
    expect(err).toContain('release_a.tests[1].expect expects the variant "red", which the flag does not have: it has on, off (in prd)');
    expect(err).toContain('release_a.tests[1].expect expects the rule "nobody", which the flag does not have: it has staff (in prd)');
  });

  it('does not pass where nothing is asserted', async () => {
    expect(await flagTest('')).toMatchObject({ exit: 6, out: expect.stringContaining('there is no assertion') });
    expect(await flagTest('    tests: [{ environment: dev, expect: on }]\n', 'release_b')).toMatchObject({ exit: 6 });
  });

  it('tells everything that is wrong in all files at once, and nothing for the only reason that something else could not be read', async () => {
    const more = {
      'b.yaml':
        'flags:\n  release_b: { prerequisites: { release_c: on, release_d: on }, rules: [{ when: { segment: beta }, serve: onn }] }\n',
      'c.yaml': 'segments:\n  beta: { whn: 1 }\nflags:\n  release_c: { type: relase, owner: x }\n',
    };
    const { exit, err } = await flagTest('    tests: [{ environment: dev, expect: red }]\n', { more });
    expect(exit).toBe(2);
    for (const told of [
      /c\.yaml:2:\d+ {2}segments\.beta\.whn/,
      /c\.yaml:4:\d+ {2}flags\.release_c\.type/,
      /b\.yaml:2:\d+ {2}release_b\.type is missing/,
      /b\.yaml:2:\d+ {2}release_b\.owner is missing/,
      /b\.yaml:2:\d+ {2}release_b\.rules\[0\]\.serve.*"onn", which is not there/,
      /b\.yaml:2:\d+ {2}release_b\.prerequisites.*"release_d", which is not there/,
      /a\.yaml:8:\d+ {2}release_a\.tests\[0\]\.expect/,
    ])
      expect(err).toMatch(told);
    expect(err).not.toMatch(/"beta", which|"release_c", which/);
    // Nor is anything of a file of which not even the names can be read.
    const unread = await flagTest('    tests: [{ environment: dev, expect: red }]\n', { more: { ...more, 'c.yaml': 'flags: [' } });
    expect(unread.err).toMatch(/c\.yaml:1:\d+\n[^]*release_a\.tests\[0\]\.expect/);
    expect(unread.err).not.toContain('"release_d"');
  });

  it('says which flags are past their day, and takes them', async () => {
    const old = { 'old.yaml': 'flags:\n  release_old: { type: release, owner: x, expires: 2020-01-31 }\n' };
    expect(await flagTest('    tests: [{ environment: dev, expect: on }]\n', { more: old })).toMatchObject({
      exit: 0,
      err: expect.stringMatching(
        /^note: flags\/old\.yaml:2:\d+ {2}release_old expired \d+d ago: take it away, or say until when it is needed\n$/,
      ),
    });
  });

  it('an environment that slipway.yaml does not list is a mistake too, wherever it is named', async () => {
    const config = 'service: shop\nprocesses: { web: { command: [node, a.js] } }\nenvironments: { dev: {}, prd: {} }\n';
    const more = {
      'b.yaml': 'segments:\n  staff:\n    when: { attribute: a, exists: true }\n    environments: { prdd: { description: x } }\n',
    };
    const { exit, err } = await flagTest('    tests: [{ environment: prod, expect: on }]\n', { config, more });
    expect(exit).toBe(2);
    expect(err).toContain('release_a.tests[0].environment names prod, which slipway.yaml does not list');
    expect(err).toMatch(/flags\/a\.yaml:7:\d+ {2}release_a\.environments\.old names old, which slipway\.yaml does not list/);
    expect(err).toMatch(/flags\/b\.yaml:4:\d+ {2}staff\.environments\.prdd names prdd, which slipway\.yaml does not list/);
    expect((await flagTest('    tests: [{ environment: dev, expect: on }]\n', { config }, '-e', 'old')).err).not.toContain('names old');
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
