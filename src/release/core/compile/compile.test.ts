import { describe, expect, it } from 'vitest';
import { aDefinition } from '../../../../test/support/definition.ts';
import { aMigration, aPlan, aPlanInput } from '../../../../test/support/plan.ts';
import type { Plan } from '../plan.ts';

const running = (plan: Plan): readonly string[] => plan.steps.filter((step) => step.skip === null).map((step) => step.id);
const database = aDefinition().database;

describe('compilePlan', () => {
  it('keeps the stages in their order', () => {
    const order = ['preflight', 'backup', 'build', 'test', 'scan', 'migrate', 'deploy', 'verify', 'observe', 'evidence'];
    const stages = aPlan({ migrations: [aMigration('app')] }).steps.map((step) => order.indexOf(step.stage));
    const first = stages.filter((stage, index) => stage !== stages[index - 1]);
    // deploy and verify alternate: a version is verified before and after users reach it.
    expect(first.slice(0, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(stages.at(-1)).toBe(9);
  });

  it("asks for the old version again with its own release's database URL, not with the new one's", () => {
    const base = aPlanInput();
    const previous = { ...base.previous!, databaseUrl: '${env:OLD_URL}' };
    const plan = aPlan({ previous, databaseUrl: '${env:NEW_URL}', migrations: [aMigration('app')] });
    const groups = [...plan.steps, ...Object.values(plan.undo).flat()]
      .flatMap(({ input }) => [input, input['group']])
      .map((one) => JSON.stringify(one));
    const [old, fresh] = ['1.0.0', '1.1.0'].map((version) =>
      groups.filter((text) => text?.includes(`"version":"${version}"`) && text.includes('"processes"')),
    );
    expect([old?.length, fresh?.length]).not.toContain(0);
    for (const text of old ?? []) expect(text).toMatch(/OLD_URL/);
    for (const text of old ?? []) expect(text).not.toContain('NEW_URL');
    for (const text of fresh ?? []) expect(text).toContain('NEW_URL');
  });

  it('releases beside the old version when it can live with the migration', () => {
    const plan = aPlan({ migrations: [aMigration('app')] });
    expect(plan.strategy.name).toBe('blue-green');
    expect(running(plan)).toEqual([
      'preflight.checks',
      'backup.take',
      'backup.verify',
      'build.artifact',
      'test.run',
      'migrate.apply',
      'deploy.start',
      'verify.smoke',
      'verify.rehearse',
      'deploy.quiet-old',
      'deploy.switch',
      'verify.live',
      'observe.window',
      'observe.keep-warm',
      'evidence.check',
    ]);
    expect(plan.rollback.pointOfNoReturn).toBeNull();
    expect(plan.undo['migrate.apply']).toEqual([]);
  });

  it('waits out a database that is away for a few seconds before it gives a backup up', () => {
    const { steps } = aPlan({ migrations: [aMigration('app')] });
    const patience = steps
      .filter(({ stage }) => stage === 'backup')
      .map(({ attempts, retryDelayMs }) => (2 ** (attempts - 1) - 1) * retryDelayMs);
    expect(patience.length).toBeGreaterThan(0);
    for (const ms of patience) expect(ms).toBeGreaterThanOrEqual(7_000);
  });

  it('judges pending migrations where slipway.yaml asks for it, before both versions are run on them', () => {
    const definition = aDefinition({
      database: database === null ? null : { ...database, lint: 'required', prove: 'required' },
      approvals: 1,
    });
    const plan = aPlan({ definition, migrations: [aMigration('app')] });
    const ids = running(plan);
    expect(ids.indexOf('test.lint')).toBeGreaterThan(ids.indexOf('build.artifact'));
    expect(ids.indexOf('test.lint')).toBeLessThan(ids.indexOf('test.prove'));
    const skip = (change: Parameters<typeof aPlan>[0]) => aPlan({ definition, ...change }).steps.find(({ id }) => id === 'test.lint')?.skip;
    expect(skip({ migrations: null })).toBeNull();
    expect(skip({ migrations: [] })).toBe('no migration is pending');
    expect(aPlan({ migrations: [aMigration('app')] }).steps.map(({ id }) => id)).not.toContain('test.lint');
  });

  it('proves pending migrations where slipway.yaml asks for it, once built and before anybody approves or data changes', () => {
    const definition = aDefinition({ database: database === null ? null : { ...database, prove: 'required' }, approvals: 1 });
    const plan = aPlan({ definition, migrations: [aMigration('app')] });
    const ids = running(plan);
    expect(ids.indexOf('test.prove')).toBeGreaterThan(ids.indexOf('build.artifact'));
    expect(ids.indexOf('test.prove')).toBeLessThan(plan.steps.findIndex(({ approvals }) => approvals > 0));
    const skip = (change: Parameters<typeof aPlan>[0]) =>
      aPlan({ definition, ...change }).steps.find(({ id }) => id === 'test.prove')?.skip;
    expect(skip({ migrations: null })).toBeNull();
    expect(skip({ migrations: [] })).toBe('no migration is pending');
    expect(skip({ migrations: [aMigration('app')], previous: null })).toBe('there is no earlier version');
    expect(skip({ migrations: [aMigration('restore')] })).toContain('1.0.0 is stopped before the migration');
    expect(skip({ migrations: [aMigration('app')], skips: { 'test.prove': 'known' } })).toBe('known');
    expect(aPlan({ migrations: [aMigration('app')] }).steps.map(({ id }) => id)).not.toContain('test.prove');
  });

  it('ends the warm time of the old version, or stops it at once when there is none', () => {
    const last = (warmMs: number) =>
      aPlan({ definition: aDefinition({ rollback: { ...aDefinition().rollback, warmMs } }) }).steps.findLast(
        (step) => step.stage === 'observe',
      );
    expect(last(60_000)).toMatchObject({
      id: 'observe.keep-warm',
      kind: 'apply-group',
      input: { id: 'shop/dev/blue', stopAfterMs: 60_000 },
    });
    expect(last(0)).toMatchObject({ id: 'observe.stop-old', kind: 'remove-group', input: { group: 'shop/dev/blue' } });
  });

  it('holds traffic before it takes the backup that a restore would bring back', () => {
    const plan = aPlan({ migrations: [aMigration('restore')] });
    const ids = running(plan);
    expect(plan.strategy.name).toBe('recreate');
    expect(ids.slice(ids.indexOf('migrate.hold'), ids.indexOf('migrate.apply') + 1)).toEqual([
      'migrate.hold',
      'migrate.stop-old',
      'migrate.backup',
      'migrate.verify-backup',
      'migrate.apply',
    ]);
    expect(plan.steps.find((step) => step.id === 'backup.take')?.skip).toContain('after traffic is held');
    expect(plan.undo['migrate.apply']?.map((step) => step.kind)).toEqual(['restore']);
    expect(plan.rollback.pointOfNoReturn).toBe('deploy.switch');
  });

  it('refuses to run old and new side by side when the migration forbids it, whatever slipway.yaml says', () => {
    const plan = aPlan({
      definition: aDefinition({ strategy: { name: 'blue-green', because: 'we like it' } }),
      migrations: [aMigration('restore')],
    });
    expect(plan.strategy).toMatchObject({ name: 'recreate', recommended: 'recreate' });
    expect(plan.strategy.because).toContain('blue-green was asked for, but');
  });

  it('records the reason when the recommendation is overridden', () => {
    const plan = aPlan({ definition: aDefinition({ strategy: { name: 'recreate', because: 'only one licence' } }) });
    expect(plan.strategy).toEqual({ name: 'recreate', recommended: 'blue-green', because: 'only one licence' });
  });

  it('holds traffic around a backup that needs the database to itself', () => {
    const plan = aPlan({ migrations: [aMigration('app')], backupNeedsQuiet: true });
    expect(running(plan).slice(1, 5)).toEqual(['backup.hold', 'backup.take', 'backup.open', 'backup.verify']);
    expect(plan.undo['backup.hold']?.[0]?.input).toMatchObject({ mode: 'open' });
  });

  it('needs no backup and no migration without a pending migration, and says why', () => {
    const plan = aPlan();
    expect(running(plan)).not.toContain('backup.take');
    expect(plan.steps.find((step) => step.id === 'backup.take')?.skip).toContain('no migration is pending');
    expect(plan.steps.find((step) => step.id === 'migrate.apply')?.skip).toBe('no migration is pending');
  });

  it('uses the slot the old version does not have', () => {
    expect(aPlan().steps.find((step) => step.id === 'deploy.start')?.input['id']).toBe('shop/dev/green');
    expect(aPlan({ previous: null }).steps.find((step) => step.id === 'deploy.start')?.input['id']).toBe('shop/dev/blue');
  });

  it("starts the new version in the old one's stead when the service takes no traffic", () => {
    const plan = aPlan({ definition: aDefinition({ listen: null }) });
    expect(running(plan)).not.toContain('deploy.switch');
    expect(plan.strategy.name).toBe('recreate');
  });

  it.each([
    ['migrate.hold', aMigration('restore')],
    ['migrate.apply', aMigration('app')],
    ['deploy.start', null],
  ])('asks for approval before %s, the first thing users or data would notice', (id, migration) => {
    const plan = aPlan({ definition: aDefinition({ approvals: 2 }), migrations: migration === null ? [] : [migration] });
    expect(plan.steps.filter((step) => step.approvals > 0).map((step) => [step.id, step.approvals])).toEqual([[id, 2]]);
  });

  it('shows a skip with its reason, for a step and for a stage', () => {
    const plan = aPlan({ skips: { test: 'tested elsewhere', 'verify.rehearse': 'known' } });
    expect(plan.steps.find((step) => step.id === 'test.run')?.skip).toBe('tested elsewhere');
    expect(plan.steps.find((step) => step.id === 'verify.rehearse')?.skip).toBe('known');
  });

  it('never reruns a migration command that does not say that it may be rerun', () => {
    const migrateCommand = { argv: ['migrate'], timeoutMs: 1_000, env: {}, rerunnable: false };
    const definition = aDefinition({ database: database === null ? null : { ...database, migrations: null, migrateCommand } });
    const plan = aPlan({ definition, migrations: [aMigration('restore')] });
    expect(plan.steps.find((step) => step.id === 'migrate.apply')?.onInterrupt).toBe('unknown');
  });

  it('puts an earlier version back without building or migrating, in the slot where it is still warm', () => {
    const definition = aDefinition();
    const target = {
      version: '1.0.0',
      release: '01old',
      group: 'shop/dev/blue',
      artifact: 'artifacts/shop/1.0.0',
      artifactDigest: '',
      definition,
    };
    const previous = { ...target, version: '1.1.0', release: '01mid', group: 'shop/dev/green', artifact: 'artifacts/shop/1.1.0' };
    const plan = aPlan({ kind: 'rollback', version: '1.0.0', target, previous });
    expect(running(plan)).not.toContain('build.artifact');
    expect(plan.steps.find((step) => step.id === 'deploy.start')?.input).toMatchObject({
      id: 'shop/dev/blue',
      release: '01old',
      directory: 'artifacts/shop/1.0.0',
    });
  });
});
