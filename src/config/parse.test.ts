import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlipwayError } from '../kernel/index.ts';
import { checkConfig, parseConfig } from './parse.ts';

const SMALL = 'service: shop\nlisten: 8080\nrun: node server.js\n';
const file = 'slipway.yaml';

function refusal(text: string, environment?: string): SlipwayError {
  try {
    parseConfig(text, { file, environment });
  } catch (error) {
    if (error instanceof SlipwayError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

/** `line:column path` of each problem. */
function places(text: string, environment?: string): readonly string[] {
  const checked = checkConfig(text, { file, environment });
  return checked.ok ? [] : checked.problems.map((problem) => `${problem.line}:${problem.column} ${problem.path}`);
}

describe('conventions', () => {
  it('the short form is one routed process', () => {
    const definition = parseConfig(SMALL, { file });
    expect(definition).toMatchObject({
      environment: 'dev',
      listen: { host: '0.0.0.0', port: 8080 },
      processes: [{ name: 'web', argv: ['node', 'server.js'], port: true, routed: true }],
    });
  });

  it('the only process with a health path is routed; a worker needs to stay alive', () => {
    const { processes } = parseConfig('service: s\nlisten: 1\nprocesses: { a: { run: x, health: /h }, w: { run: y } }', { file });
    expect(processes).toMatchObject([
      { name: 'a', routed: true, health: { kind: 'http', path: '/h' } },
      { name: 'w', routed: false, port: false, health: { kind: 'alive', forMs: 2000 } },
    ]);
  });

  it.each(['["x", "y z"]', 'x "y z"', '{ run: x "y z" }'])('a command may be written %s', (command) =>
    expect(parseConfig(`${SMALL}build: ${command}`, { file }).build).toEqual({
      argv: ['x', 'y z'],
      timeoutMs: 1_800_000,
      env: {},
      rerunnable: true,
    }),
  );

  it.each([
    ['auto', { method: 'auto', command: null, reason: null }],
    ['[b, c]', { method: 'command', command: { argv: ['b', 'c'] }, reason: null }],
    ['{ none: "no data" }', { method: 'none', command: null, reason: 'no data' }],
  ])('backup: %s', (backup, expected) =>
    expect(parseConfig(`${SMALL}database: { embedded: s, backup: ${backup} }`, { file }).database?.backup).toMatchObject(expected),
  );

  it('migrations are judged only where they are files', () => {
    const withDatabase = (rest: string) => `${SMALL}database: { embedded: s, lint: required, ${rest} }`;
    expect(parseConfig(withDatabase('migrations: m'), { file }).database).toMatchObject({ lint: 'required' });
    expect(() => parseConfig(withDatabase('migrate: x'), { file })).toThrow('needs `migrations`: of a command');
  });

  it('migrations are proven only where they are files', () => {
    const { database } = parseConfig(`${SMALL}database: { embedded: s, readers: ["\${env:STANDBY}"] }`, { file });
    expect(database).toMatchObject({ readers: ['${env:STANDBY}'] });
    const withDatabase = (rest: string) => `${SMALL}database: { embedded: s, prove: required, ${rest} }`;
    expect(parseConfig(withDatabase('migrations: m'), { file }).database).toMatchObject({ prove: 'required' });
    expect(() => parseConfig(withDatabase('migrate: x'), { file })).toThrow('needs `migrations`: what a command changes');
  });

  it('merges the chosen environment', () => {
    const text = `${SMALL}build: a\nobserve: 30m\nenvironments: { dev: { build: ~ }, prd: { listen: 127.0.0.1:80, observe: 1h, approvals: 2 } }`;
    expect(parseConfig(text, { file, environment: 'prd' })).toMatchObject({
      environment: 'prd',
      listen: { host: '127.0.0.1', port: 80 },
      observe: { windowMs: 3_600_000 },
      approvals: 2,
      build: { argv: ['a'] },
    });
    expect(parseConfig(text, { file })).toMatchObject({ environment: 'dev', build: null, approvals: 0 });
  });

  it('BOM and CRLF change nothing', () =>
    expect(parseConfig(`\uFEFF${SMALL.replaceAll('\n', '\r\n')}`, { file })).toEqual(parseConfig(SMALL, { file })));
});

describe('strategy', () => {
  const strategyOf = (text: string) => parseConfig(`${SMALL}strategy: ${text}\n`, { file }).strategy;

  it('takes a share of instances for a share, also all of them', () => {
    const { rolling } = strategyOf('{ name: rolling, because: why, surge: 100%, unavailable: 1, settle: 0s }');
    expect(rolling).toEqual({ surge: { share: 1 }, unavailable: { count: 1 }, pauseMs: 0 });
  });

  it('keeps the settings of a canary beside auto, where there are any', () => {
    expect(strategyOf('{ name: auto, over: 2h }').canary?.checkpoints).toHaveLength(4);
    expect(strategyOf('auto').canary).toBeUndefined();
  });
});

describe('environments', () => {
  it('takes the usual names without a section, and no other', () => {
    for (const environment of ['dev', 'stg', 'prd']) expect(parseConfig(SMALL, { file, environment }).environment).toBe(environment);
    expect(refusal(SMALL, 'prod')).toMatchObject({ code: 'usage', message: expect.stringContaining('Did you mean "prd"?') });
  });

  it('takes only listed names when there is a section', () => {
    const text = `${SMALL}environments: { staging: {}, prd: {} }`;
    expect(refusal(text, 'stagin').message).toContain('Did you mean "staging"?');
    expect(refusal(text)).toMatchObject({ code: 'usage', message: expect.stringContaining('it has staging, prd') });
    expect(refusal(text, '__proto__').code).toBe('usage');
  });
});

describe('problems', () => {
  it('shows all of them with place, path, excerpt and caret', () => {
    const { code, message } = refusal(
      'service: shop\nlisten: 8080\nprocceses: {}\nprocesses:\n  api: { run: a | b, instances: two, helth: /health }\n',
    );
    expect(code).toBe('config_invalid');
    expect(message).toContain(
      'slipway.yaml:3:1  procceses\n  "procceses" is not a key here; did you mean "processes"?\n   3 | procceses: {}\n     | ^',
    );
    expect(message).toContain('slipway.yaml:5:15  processes.api.run\n  contains "|"');
    expect(message).toContain('slipway.yaml:5:33  processes.api.instances\n  must be a number, not "two"\n');
    expect(message).toContain('did you mean "health"?');
  });

  it.each([
    ['build: { run: x, timeout: 5 }', '4:27 build.timeout'],
    ['build: { timeout: 5m }', '4:8 build.run'],
    ['build: echo ${ENV:X}', '4:8 build'],
    ['build: echo ${port}', '4:8 build'],
    ['build:', '4:7 build'],
    ['database: {}', '4:11 database'],
    ['database: { url: "mysql://h/d" }', '4:18 database.url'],
    ['database: { embedded: s, readers: ["mysql://h/d"] }', '4:36 database.readers[0]'],
    ['database: { embedded: s, backup: none }', '4:34 database.backup'],
    ['database: { embedded: s, migrations: ../x }', '4:38 database.migrations'],
    ['database: { embedded: s, migrations: m, migrate: x }', '4:50 database.migrate'],
    ['observe: 5m', '4:10 observe'],
    ['observe: { window: 5m }', '4:20 observe.window'],
    ['observe: { window: 20m, every: 1h }', '4:32 observe.every'],
    ['observe: { error-rate: 101% }', '4:24 observe.error-rate'],
    ['rollback: { automatic: false }', '4:24 rollback.automatic'],
    ['strategy: blue-gren', '4:11 strategy'],
    ['strategy: rolling', '4:11 strategy'],
    ['strategy: { name: rolling }', '4:19 strategy.name'],
    ['strategy: { name: rolling, because: why, surge: 0 }', '4:49 strategy.surge'],
    ['strategy: { name: rolling, because: why, surge: 1.5 }', '4:49 strategy.surge'],
    ['strategy: { name: rolling, because: why, unavailable: 120% }', '4:55 strategy.unavailable'],
    ['approvals: -1', '4:12 approvals'],
    ['smoke: { read: [GIT /x] }', '4:17 smoke.read[0]'],
    ['smoke: { read: [{ sql: select 1, expect: {} }] }', '4:17 smoke.read[0]'],
    ['smoke: { write: [{ http: POST /x, body: { a: .nan } }] }', '4:41 smoke.write[0].body'],
    ['processes: { a: { run: x } }', '3:1 run'],
    ['env-file: /etc/passwd', '4:11 env-file'],
    ['environments: { dev: {}, prd: { approvls: 1 } }', '4:33 environments.prd.approvls'],
    ['environments: { dev: {}, prd: { observe: 1m } }', '4:42 environments.prd.observe'],
    ['environments: { dev: { service: x } }', '4:24 environments.dev.service'],
    ['"__proto__": 1', '4:1 __proto__'],
    ['<<: { a: 1 }', '4:1 <<'],
  ])('%s', (line, place) => expect(places(`${SMALL}${line}\n`)).toContain(place));

  it.each([
    ['service: s\nprocesses: { a: { run: x, health: /h } }', 'add `listen: 8080`'],
    ['service: s\nlisten: 1\nprocesses: { a: { run: x } }', 'no process answers here'],
    ['service: s\nlisten: 1\nprocesses: { a: { run: x, health: /h }, b: { run: x, health: /h } }', 'routed: true'],
    ['service: s\nlisten: 1\nprocesses: { a: { run: x, routed: true }, b: { run: x, routed: true } }', 'only one process is routed'],
    ['service: s\nprocesses: { a: { run: "x ${port}" } }', '"${port}" has no value here'],
    ['service: s\n', 'nothing to run'],
    ['service: Shop!\nlisten: 1\nrun: x', 'lower-case'],
    ['service: s\nlisten: 70000\nrun: x', '1 to 65535'],
  ])('%j says: %s', (text, message) => expect(refusal(text).message).toContain(message));

  it('finds a mistake that an environment replaces', () =>
    expect(places(`${SMALL}approvals: x\nenvironments: { dev: { approvals: 1 } }`)).toEqual(['4:12 approvals']));
});

describe('text that is not a configuration', () => {
  it.each<[text: string, message: string]>([
    ['', 'is empty'],
    ['# nothing\n', 'is empty'],
    ['- a\n', 'must be a map'],
    ['service: a\nservice: b\n', 'slipway.yaml:2:1\n  this key is written twice'],
    ['a:\n\tb: 1\n', 'slipway.yaml:2:1\n  a tab'],
    ['a: 1\n---\nb: 2\n', 'a second document starts'],
    ['a: !!js/function x\n', 'tags such as'],
    ['a: *x\n', 'Unresolved alias'],
    ['a: &x [*x]\n', 'contains itself'],
    [`a: ${'['.repeat(9_000)}`, 'brackets are not closed'],
    [`a:\n${'- '.repeat(9_000)}x`, 'nested more than 20'],
    [`a: ${'{b: '.repeat(30)}1${'}'.repeat(30)}`, 'nested more than 20'],
    [
      `a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]`,
      'repeated more than 50 times',
    ],
    [`a: "${'x'.repeat(70_000)}"`, 'at most 65536'],
    ['a: \0', 'control character'],
    ['build: { run: echo ${env:X} }', 'in quotes'],
  ])('%#: %s', (text, message) =>
    expect(refusal(text)).toMatchObject({ code: 'config_invalid', message: expect.stringContaining(message) }),
  );
});

describe('secrets', () => {
  const planted = 'hunter2hunter2';
  it.each([
    `database: { url: "postgres://u:${planted}@h/d" }`,
    `# old: postgres://u:${planted}@h/d`,
    `build: { run: x, env: { DB_PASSWORD: ${planted} } }`,
    `smoke: { read: [{ http: GET /, headers: { Authorization: ${planted} } }] }`,
    `environments: { dev: {}, prd: { database: { url: "postgres://u:${planted}@h/d" } } }`,
    `build: deploy --token=${planted}`,
    `build: deploy --token ${planted}`,
    `build: [deploy, --token, ${planted}]`,
    `build: [deploy, '{"password":"${planted}"}']`,
    `test: { run: x, env: { PGPASSWORD: ${planted} } }`,
    `database: { url: "postgres:\\/\\/u:${planted}@h/d" }`,
    `a: [\n b: "postgres://u:${planted}@h/d"`,
    `build: |-\n  -----BEGIN PRIVATE KEY-----\n  ${planted}\n  -----END PRIVATE KEY-----\nx: 1`,
  ])('refuses and never shows: %s', (line) => {
    const error = refusal(`${SMALL}${line}\nobserve: 1s\n`);
    expect(error.code).toBe('secret_in_config');
    expect(`${error.message}${error.hint}`).not.toContain(planted);
  });

  it('passes references', () => {
    const text = `${SMALL}database: { url: "postgres://u:\${env:PW}@h/d" }\nbuild: { run: x, env: { NPM_TOKEN: "\${secret:NPM_TOKEN}" } }`;
    expect(parseConfig(text, { file }).build?.env).toEqual({ NPM_TOKEN: '${secret:NPM_TOKEN}' });
  });
});

const FULL = `${SMALL}database: { url: "\${env:DATABASE_URL}", migrations: m, backup: [a, b] }
build: { run: npm ci, timeout: 5m }
smoke: { read: [GET /x, { http: GET /y, json: { a: [1] } }], worker: [{ sql: select 1, expect: { a: 1 } }] }
observe: { window: 20s, because: demo time, error-rate: 1% }
rollback: { automatic: false, because: by hand }
environments: { dev: {}, prd: { listen: 80, smoke: { read: [] } } }
`;

it('random changes to a valid file give a definition or a SlipwayError, nothing else', () => {
  parseConfig(FULL, { file });
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '~',
      '[]',
      '{}',
      '[',
      '}',
      ': ',
      '- ',
      '\n',
      '\t',
      '&a ',
      '*a',
      '!!x ',
      '<<: ',
      '"',
      "'",
      '|',
      '#',
      '__proto__: ',
      '${',
      '.inf',
      '1e999',
      '\n  ',
      '? ',
    ),
  );
  const edit = fc.record({ at: fc.nat(FULL.length), cut: fc.nat(12), insert: piece });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), fc.constantFrom(undefined, 'prd'), (edits, environment) => {
      let text = FULL;
      for (const { at, cut, insert } of edits) text = text.slice(0, at) + insert + text.slice(at + cut);
      try {
        parseConfig(text, { file, environment });
      } catch (error) {
        if (!(error instanceof SlipwayError)) throw error;
      }
    }),
    { numRuns: 400 },
  );
});
