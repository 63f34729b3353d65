import { join } from 'node:path';
import { ERRORS, messageOf, redactDeep, SlipwayError, type Check } from '../kernel/index.ts';
import type { BackupMethod, DatabaseAccess, Migration } from '../database/index.ts';
import { readArtifact } from './artifact/store.ts';
import { judgeTree, readGit } from './artifact/git.ts';
import { declaredFolder, sourceMigrations, sourceMigrationStatus, type Source } from './artifact/source.ts';
import { compilePlan } from './core/compile/compile.ts';
import type { PendingMigration, PlanInput } from './core/compile/input.ts';
import type { Definition } from './core/definition.ts';
import type { Plan, PreviousVersion } from './core/plan.ts';
import type { ReleaseSet } from './core/set.ts';
import { findingsOf } from './core/findings.ts';
import type { StepDeps } from './steps/deps.ts';
import { as, object } from './steps/input.ts';
import { isSameVersion, lastVersion } from './previous.ts';
import { versionOfSource } from './source-version.ts';
import { chooseBackup, planningBackupTools } from './backup-tools.ts';

/** What a person asks for. */
export interface ReleaseRequest {
  readonly release: string;
  readonly workspace: string;
  readonly definition: Definition;
  readonly configSha256: string;
  /** Null: from package.json, else from the commit. */
  readonly version: string | null;
  readonly requestedBy: string;
  readonly node: string;
  readonly skips: Readonly<Record<string, string>>;
  /** The services it is released together with. */
  readonly set?: ReleaseSet;
}

/** Reads the facts of a change and compiles the plan. Changes nothing. */
export async function prepareRelease(deps: StepDeps, request: ReleaseRequest): Promise<Plan> {
  const git = await readGit(request.workspace);
  const workingTree = redactDeep(judgeTree(git), deps.effects.redact);
  return planRelease(deps, { ...request, version: await versionOfSource(request, git), workingTree }, git);
}

/**
 * Plans a release that waited for another one again: the same commit, version, configuration and skips, for what serves now.
 * @throws SlipwayError when that makes no sense any more
 */
export async function replanRelease(deps: StepDeps, plan: Plan): Promise<Plan> {
  const { service, environment } = plan;
  if (plan.kind === 'release') {
    const commit = plan.gitSha === null ? null : { sha: plan.gitSha, ref: plan.gitRef };
    return planRelease(deps, { ...plan, skips: skipsOf(plan) }, commit);
  }
  const serving = await lastVersion(deps, service, environment);
  if (isSameVersion(serving, plan.previous)) return plan;
  throw new SlipwayError(
    'not_possible_now',
    `it was ordered when ${plan.previous?.version ?? 'nothing'} served, and now ${serving?.version ?? 'nothing'} does: order the rollback again`,
  );
}

function skipsOf({ steps }: Plan): Readonly<Record<string, string>> {
  const checks = steps.find((step) => step.id === 'preflight.checks');
  return checks === undefined ? {} : as<Readonly<Record<string, string>>>(object(checks.input, 'skips'));
}

const MINUTE_MS = 60_000;

type KnownRequest = ReleaseRequest & { readonly version: string } & Pick<PlanInput, 'workingTree'>;
type Commit = { readonly sha: string; readonly ref: string | null };

async function planRelease(deps: StepDeps, request: KnownRequest, git: Commit | null): Promise<Plan> {
  const { definition, workspace, version } = request;
  const previous = await lastVersion(deps, definition.service, definition.environment);
  if (previous?.version === version) await refuseServing(deps, definition, version, git);
  await refuseOtherBytes(deps, definition.service, version, git);
  const data = await readData(deps, { workspace, gitSha: git?.sha ?? null, home: deps.home }, definition);
  const perMinute = await requestsPerMinute(deps, definition);
  const { release, configSha256, requestedBy, node, skips, workingTree } = request;
  return compilePlan({
    ...data,
    release,
    kind: 'release',
    version,
    gitSha: git?.sha ?? null,
    // People name branches, and servers word their errors; neither is anything the plan acts upon.
    gitRef: git === null || git.ref === null ? null : deps.effects.redact(git.ref),
    ...(workingTree === undefined ? {} : { workingTree }),
    requestedBy,
    node,
    workspace,
    definition,
    configSha256,
    previous,
    target: null,
    perMinute,
    skips,
    ...(request.set === undefined ? {} : { set: request.set }),
    findings: redactDeep([...data.findings, ...findingsOf(definition, data.migrations, previous)], deps.effects.redact),
  });
}

/** Of what serves now, as the router counted lately; null where nobody counts. It only advises, so a router that is away is no obstacle. */
async function requestsPerMinute({ router }: StepDeps, { service, environment, listen }: Definition): Promise<number | null> {
  const stats = listen === null ? null : await router.stats(`${service}/${environment}`).catch(() => null);
  const recent = (stats?.versions ?? []).flatMap((one) => one.recent ?? []);
  const forMs = Math.max(0, ...recent.map((one) => one.forMs));
  return forMs < MINUTE_MS ? null : Math.round((recent.reduce((sum, one) => sum + one.requests, 0) * MINUTE_MS) / forMs);
}

/** Of the same commit, what was asked for is there; of another one, the version was not raised. */
async function refuseServing(deps: StepDeps, { service, environment }: Definition, version: string, git: Commit | null): Promise<never> {
  const stored = await readArtifact(join(deps.home, 'artifacts', service, version));
  const same = stored !== null && stored.gitSha === (git?.sha ?? null);
  const hint = ERRORS.already_serving.hint;
  throw new SlipwayError(same ? 'already_serving' : 'usage', `${service} ${version} is what runs in ${environment} already`, { hint });
}

/** Said before anything starts rather than in the build step. */
async function refuseOtherBytes(deps: StepDeps, service: string, version: string, git: Commit | null): Promise<void> {
  const stored = await readArtifact(join(deps.home, 'artifacts', service, version));
  if (stored !== null && stored.gitSha !== (git?.sha ?? null))
    throw new SlipwayError(
      'artifact_mismatch',
      `${service} ${version} was already built from ${stored.gitSha ?? 'a folder without git'} by release ${stored.release}`,
    );
}

type Data = Pick<PlanInput, 'migrations' | 'backupMethod' | 'backupNeedsQuiet' | 'databaseUrl' | 'findings'>;

/** What the database says; when it is away that is a finding, and preflight will block on it. */
async function readData(deps: StepDeps, source: Source, definition: Definition): Promise<Data> {
  const { workspace } = source;
  if (definition.database === null) return { migrations: [], backupMethod: null, backupNeedsQuiet: false, databaseUrl: null, findings: [] };
  const databaseUrl = await deps.databaseUrlTemplate(definition);
  try {
    const database = await deps.databaseFor(workspace, definition);
    // A new database of Slipway's own: every migration is pending, and there is nothing to disturb by a backup.
    if (database === null || !(await deps.databaseExists(definition)))
      return {
        migrations: await allMigrations(source, definition),
        backupMethod: null,
        backupNeedsQuiet: false,
        databaseUrl,
        findings: [],
      };
    const { migrations, method } = await lookInto(deps, source, { database, definition });
    return {
      migrations,
      backupMethod: method?.name ?? null,
      backupNeedsQuiet: method?.capabilities.needsQuiet ?? false,
      databaseUrl,
      findings: [],
    };
  } catch (error) {
    const finding: Check = {
      name: 'database',
      verdict: 'unknown',
      reason: messageOf(error),
      fix: error instanceof SlipwayError ? error.hint : 'See the message.',
    };
    return { migrations: declaredMigrations(definition), backupMethod: null, backupNeedsQuiet: false, databaseUrl, findings: [finding] };
  }
}

/** What the migrations of the source would do to the database, and how it would be backed up. */
async function lookInto(
  deps: StepDeps,
  source: Source,
  { database, definition }: { readonly database: DatabaseAccess; readonly definition: Definition },
): Promise<{ readonly migrations: readonly PendingMigration[]; readonly method: BackupMethod | null }> {
  const backup = async (): Promise<BackupMethod | null> =>
    definition.database?.backup.method === 'none'
      ? null
      : chooseBackup(database, definition, await planningBackupTools(deps, source.workspace, definition));
  // Both are waited for whatever becomes of one: nothing may still be checked out when this command ends.
  const [pending, chosen] = await Promise.allSettled([pendingMigrations(database, source, definition), backup()]);
  if (pending.status === 'rejected') throw pending.reason;
  if (chosen.status === 'rejected') throw chosen.reason;
  return { migrations: pending.value, method: chosen.value };
}

/** Every migration of the folder, for a database that does not exist yet. */
async function allMigrations(source: Source, definition: Definition): Promise<readonly PendingMigration[]> {
  const folder = declaredFolder(definition);
  return folder === null ? [] : (await sourceMigrations(source, folder)).map(pendingOf);
}

function pendingOf({ name, sha256, rollbackClass, because }: Migration): PendingMigration {
  return { name, sha256, rollbackClass, because };
}

/**
 * What slipway.yaml tells without a look into the database; null when only that can tell. A command's migrations are not visible before
 * it runs, so they count as what the file says of them.
 */
function declaredMigrations({ database }: Definition): readonly PendingMigration[] | null {
  if (database === null) return [];
  const { migrateCommand, migrateClass, migrations } = database;
  if (migrateCommand === null) return migrations === null ? [] : null;
  return [
    {
      name: migrateCommand.argv.join(' '),
      sha256: '',
      rollbackClass: migrateClass,
      because: 'what the command changes is not known before it runs; set database.migrate-rollback when you know',
    },
  ];
}

async function pendingMigrations(database: DatabaseAccess, source: Source, definition: Definition): Promise<readonly PendingMigration[]> {
  const declared = declaredMigrations(definition);
  const folder = declaredFolder(definition);
  if (declared !== null || folder === null) return declared ?? [];
  const { pending } = await sourceMigrationStatus(source, folder, database);
  return pending.map(pendingOf);
}

/** What a person asks for to put an earlier version back. */
export interface RollbackRequest {
  readonly release: string;
  readonly workspace: string;
  readonly requestedBy: string;
  readonly node: string;
  readonly service: string;
  readonly environment: string;
  readonly to: PreviousVersion;
  readonly current: PreviousVersion;
  readonly skips: Readonly<Record<string, string>>;
  /** Why, as whoever asked for it said. */
  readonly reason?: string;
  /** The services that go back together with it. */
  readonly set?: ReleaseSet;
}

/** Compiles the release that puts an earlier version back: no build, no migration, its artifact as it was verified. */
export async function prepareRollback(deps: StepDeps, request: RollbackRequest): Promise<Plan> {
  const { to, current } = request;
  return compilePlan({
    release: request.release,
    kind: 'rollback',
    version: to.version,
    gitSha: null,
    gitRef: null,
    requestedBy: request.requestedBy,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    node: request.node,
    workspace: request.workspace,
    definition: { ...to.definition, approvals: 0 },
    configSha256: '',
    previous: current,
    target: to,
    migrations: [],
    backupMethod: null,
    backupNeedsQuiet: false,
    databaseUrl: to.definition.database === null ? null : await deps.databaseUrlTemplate(to.definition),
    // The system may well be degraded: that is why somebody rolls back.
    skips: { 'preflight.health': 'rolling back to a verified version is never blocked by the state of what it replaces', ...request.skips },
    ...(request.set === undefined ? {} : { set: request.set }),
    findings: [],
  });
}
