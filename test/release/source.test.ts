import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAccess, type DatabaseAccess } from '../../src/database/index.ts';
import { PREFLIGHT, prepareRelease, replanRelease, type Plan, type StepDeps } from '../../src/release/index.ts';
import { aDefinition } from '../support/definition.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { plainEffects } from '../workers/rig.ts';
import { systemClock } from '../../src/kernel/index.ts';

/** A real repository and a real database: what a release is made of is its commit, whatever the workspace holds later. */
describe('a release that was asked for', () => {
  let server: TestPostgres;
  let database: DatabaseAccess;
  let workspace: string;
  beforeAll(async () => {
    server = await startPostgres();
    database = openAccess(await server.create('shop'));
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    workspace = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-source-')));
    git('init', '--quiet', '--initial-branch=main');
    commit('0.1.0', { 'migrations/1_people.sql': 'create table people (id int);\n' });
  });
  afterEach(() => rmSync(workspace, { recursive: true }));

  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', workspace, '-c', 'user.name=Ann', '-c', 'user.email=ann@localhost', ...args], { encoding: 'utf8' });
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(workspace, name)), { recursive: true });
      writeFileSync(join(workspace, name), text);
    }
  };
  const commit = (version: string, files: Readonly<Record<string, string>>): void => {
    write({ ...files, 'package.json': JSON.stringify({ version }) });
    git('add', '--all');
    git('commit', '--quiet', '--message', version);
  };
  const deps = (): StepDeps =>
    ({
      home: join(workspace, '.slipway'),
      store: { lastServing: async () => null },
      effects: plainEffects(systemClock),
      databaseUrlTemplate: async () => 'unused',
      databaseFor: async () => database,
      databaseExists: async () => true,
      // Nothing serves there yet.
      router: { stats: () => Promise.resolve(null) },
    }) as unknown as StepDeps;
  const definition = aDefinition();
  const withoutBackup = { ...definition, database: { ...definition.database!, backup: { method: 'none', reason: 'a test' } } };
  const plan = (): Promise<Plan> =>
    prepareRelease(deps(), {
      release: '01new',
      workspace,
      definition: withoutBackup as typeof definition,
      configSha256: '',
      version: null,
      requestedBy: 'ann',
      node: 'here',
      skips: {},
    });
  const expected = ({ steps }: Plan): unknown => steps.find(({ kind }) => kind === 'migrate')?.input['expect'];
  const ask = (check: 'git' | 'migrations', one: Plan) => PREFLIGHT[check]!(deps(), one);

  it('is clean at its commit, also when the workspace has moved on', async () => {
    const asked = await plan();
    expect(await ask('git', asked)).toMatchObject({
      verdict: 'pass',
      reason: expect.stringMatching(/^clean at [0-9a-f]{12} \(main\)$/) as string,
    });
    commit('0.2.0', { 'server.js': 'later' });
    write({ 'server.js': 'even later', 'new.js': '' });
    expect(await ask('git', asked)).toMatchObject({
      verdict: 'pass',
      reason: expect.stringContaining('whatever the workspace holds now') as string,
    });
    expect(await ask('git', await replanRelease(deps(), asked))).toMatchObject({ verdict: 'pass' });
  });

  it('is refused when the workspace was not that commit, also when it is by now', async () => {
    write({ 'server.js': 'x' });
    const asked = await plan();
    git('add', '--all');
    git('commit', '--quiet', '--message', 'late');
    for (const one of [asked, await replanRelease(deps(), asked)])
      expect(await ask('git', one)).toEqual({
        verdict: 'fail',
        reason: '1 uncommitted changes: server.js',
        fix: 'Commit or stash them; only a commit is released.',
      });
  });

  it('is refused when its commit is gone, when nobody knows whether it was clean, and without git', async () => {
    const asked = await plan();
    expect(await ask('git', { ...asked, gitSha: 'f'.repeat(40) })).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining(`the commit ${'f'.repeat(40)} is not in the repository`) as string,
    });
    const { workingTree: _forgotten, ...old } = asked;
    expect(await ask('git', old)).toMatchObject({ verdict: 'unknown', fix: 'Start the release again.' });
    rmSync(join(workspace, '.git'), { recursive: true });
    expect(await ask('git', asked)).toMatchObject({ verdict: 'fail' });
    expect(await ask('git', await plan())).toMatchObject({ verdict: 'unknown' });
  });

  it('leaves no checkout behind, and removes those of processes that were killed', async () => {
    const checkouts = join(workspace, '.slipway', 'checkouts');
    for (const name of ['commit-killed', 'commit-at-work']) mkdirSync(join(checkouts, name, 'tree'), { recursive: true });
    const long = systemClock.now() / 1_000 - 2 * 3_600;
    utimesSync(join(checkouts, 'commit-killed'), long, long);
    await plan();
    expect(readdirSync(checkouts)).toEqual(['commit-at-work']);
  });

  it('is planned, planned again and checked for the migrations of its commit', async () => {
    const asked = await plan();
    expect(expected(asked)).toMatchObject([{ name: '1_people' }]);
    commit('0.2.0', {
      'migrations/1_people.sql': 'create table persons (id int);\n',
      'migrations/2_pets.sql': 'create table pets (id int);\n',
    });
    write({ 'migrations/3_draft.sql': 'creat tabel\n' });
    const again = await replanRelease(deps(), asked);
    expect(expected(again)).toEqual(expected(asked));
    expect(await ask('migrations', again)).toMatchObject({ verdict: 'pass', reason: '0 applied, 1 pending, no drift' });
    git('rm', '--quiet', '-r', '--force', 'migrations');
    git('commit', '--quiet', '--message', 'none');
    expect(expected(await replanRelease(deps(), asked))).toEqual(expected(asked));
    // What it says of them is said by the names people know.
    const [finding] = (await plan()).findings;
    expect(finding?.reason).toMatch(/^The migrations folder migrations of commit [0-9a-f]{12} cannot be read$/);
  });
});
