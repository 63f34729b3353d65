import type { JsonObject } from '../../../kernel/pure.ts';
import type { Step } from '../plan.ts';
import { asJson, holdsForMigration, stopOld, type Draft, type Part } from './draft.ts';
import { routeSpec } from './group.ts';
import { step, UNDO_OPTIONS, type PlanInput } from './input.ts';
import { decidingMigration } from './strategy.ts';

const HOUR = 3_600_000;

/** The backup stage: before everything else, unless the migration needs it taken after traffic was held. */
export function backupSteps(draft: Draft): Part {
  const { input, old, undo } = draft;
  const { definition } = input;
  const skip = reasonWithoutBackup(draft);
  if (skip !== null)
    return { steps: [step('backup', 'take', { kind: 'backup', title: 'back up the database', input: {} }, { skip })], undo: {} };
  // A method that needs the database to itself cuts sessions: requests wait in the router instead of failing.
  const held = input.backupNeedsQuiet && old !== null ? routeSpec(old.definition, 'hold', old) : null;
  const opened = held === null || old === null ? null : routeSpec(old.definition, 'open', old);
  const taken = takeAndVerify('backup', input.backupMethod);
  if (held === null || opened === null) return { steps: taken, undo: {} };
  const hold = step('backup', 'hold', {
    kind: 'route',
    title: 'hold new requests while the backup has the database to itself (every session ends; the service must connect again)',
    input: held,
  });
  const open = step('backup', 'open', {
    kind: 'route',
    title: `let requests go on to ${definition.service} ${old?.version ?? ''}`,
    input: opened,
  });
  const [take, ...verify] = taken;
  return { steps: take === undefined ? [] : [hold, take, open, ...verify], undo: { [hold.id]: undo.openOld } };
}

/** A server that is away comes back, and a release that waits some seconds for it is better than one that gives up. */
const BACKUP_OPTIONS = { timeoutMs: 6 * HOUR, attempts: 4 } as const;

function takeAndVerify(stage: 'backup' | 'migrate', method: string | null): readonly Step[] {
  const names = stage === 'backup' ? (['take', 'verify'] as const) : (['backup', 'verify-backup'] as const);
  return [
    step(
      stage,
      names[0],
      { kind: 'backup', title: `back up the database${method === null ? '' : ` (${method})`}`, input: {} },
      BACKUP_OPTIONS,
    ),
    step(
      stage,
      names[1],
      { kind: 'verify-backup', title: 'restore the backup into a scratch database and compare', input: {} },
      BACKUP_OPTIONS,
    ),
  ];
}

function reasonWithoutBackup(draft: Draft): string | null {
  const { definition, migrations, target } = draft.input;
  if (definition.database === null) return 'the service has no database';
  if (target !== null) return 'putting an earlier version back changes no data';
  if (definition.database.backup.method === 'none') return `turned off in slipway.yaml: ${definition.database.backup.reason ?? ''}`;
  if (definition.database.migrateCommand === null && migrations !== null && migrations.length === 0)
    return 'no migration is pending, so the database is not changed';
  return holdsForMigration(draft) ? 'taken in the migrate stage, after traffic is held, so that restoring it loses no write' : null;
}

/** The linter on what is pending, where slipway.yaml asks for that: by what the database holds, and before it is touched. */
export function lintSteps({ input, newSide }: Draft): readonly Step[] {
  const { database } = input.definition;
  if (database?.lint !== 'required') return [];
  const title = 'judge the pending migrations by what the database holds';
  const folder = { folder: newSide.artifact, migrations: database.migrations };
  return [
    step('test', 'lint', { kind: 'lint', title, input: folder }, { timeoutMs: HOUR, attempts: 4, skip: reasonWithoutMigration(input) }),
  ];
}

/** Both versions on each schema, where slipway.yaml asks for that: once the new one is built, and before anybody approves or data changes. */
export function proveSteps(draft: Draft): readonly Step[] {
  const { input, old, newSide } = draft;
  if (input.definition.database?.prove !== 'required') return [];
  const title = `run ${old?.version ?? 'the old version'} and ${input.version} on each schema of the change, in databases made for it`;
  const skip =
    reasonWithoutMigration(input) ??
    (old === null ? 'there is no earlier version' : null) ??
    (holdsForMigration(draft) ? `${old?.version ?? ''} is stopped before the migration, so it meets no other schema` : null);
  return [step('test', 'prove', { kind: 'prove', title, input: { folder: newSide.artifact } }, { timeoutMs: HOUR, attempts: 4, skip })];
}

/** Are the files that follow the schema in step with the migrations? Where slipway.yaml names some. */
export function surfacesSteps({ input }: Draft): readonly Step[] {
  const surfaces = input.definition.database?.surfaces;
  if (surfaces === undefined || input.target !== null) return [];
  const title = `compare ${surfaces.files.join(', ')} with the schema that the migrations make${surfaces.required ? '' : '; only told'}`;
  return [step('test', 'surfaces', { kind: 'surfaces', title, input: {} }, { timeoutMs: HOUR, attempts: 4, skip: null })];
}

/** The migrate stage: hold and back up first where the old version cannot live with the new schema. */
export function migrateSteps(draft: Draft): Part {
  const { input } = draft;
  const { database } = input.definition;
  const skip = reasonWithoutMigration(draft.input);
  if (database === null || skip !== null)
    return {
      steps: [step('migrate', 'apply', { kind: 'migrate', title: 'migrate the database', input: {} }, { skip: skip ?? '' })],
      undo: {},
    };
  const apply = step(
    'migrate',
    'apply',
    { kind: 'migrate', title: migrateTitle(draft), input: migrateInput(draft) },
    {
      timeoutMs: 6 * HOUR,
      attempts: 3,
      onInterrupt: database.migrateCommand === null || database.migrateCommand.rerunnable ? 'rerun' : 'unknown',
    },
  );
  const undo = { [apply.id]: undoMigration(draft) };
  if (!holdsForMigration(draft)) return { steps: [apply], undo };
  const stopped = stopOld(draft, 'migrate');
  const backup = database.backup.method === 'none' ? [] : takeAndVerify('migrate', input.backupMethod);
  return { steps: [...stopped.steps, ...backup, apply], undo: { ...stopped.undo, ...undo } };
}

/** Why the database is left as it is; null when it is changed, or nobody knows. */
export function reasonWithoutMigration(input: PlanInput): string | null {
  const { database } = input.definition;
  if (database === null) return 'the service has no database';
  if (input.target !== null) return 'putting an earlier version back changes no schema';
  if (database.migrations === null && database.migrateCommand === null) return 'no migrations in slipway.yaml';
  if (database.migrateCommand === null && input.migrations?.length === 0) return 'no migration is pending';
  return null;
}

function migrateTitle({ input }: Draft): string {
  if (input.definition.database?.migrateCommand !== null) return "migrate the database with the project's own command";
  if (input.migrations === null) return 'apply the pending migrations (which ones is not known)';
  const names = (input.migrations ?? []).map((one) => one.name);
  return names.length === 1 ? `apply ${names[0]}` : `apply ${names.length} migrations`;
}

function migrateInput({ input, newSide }: Draft): JsonObject {
  const { database } = input.definition;
  return {
    folder: newSide.artifact,
    migrations: database?.migrations ?? null,
    command: asJson(database?.migrateCommand ?? null),
    // Whoever skips the comparison of folder and database says that the difference is meant.
    acceptDrift: input.skips['preflight.migrations'] !== undefined,
    expect: input.migrations?.map((one) => ({ name: one.name, sha256: one.sha256 })) ?? null,
    lockTimeoutMs: database?.lockTimeoutMs ?? 0,
    statementTimeoutMs: database?.statementTimeoutMs ?? 0,
  };
}

function undoMigration(draft: Draft): readonly Step[] {
  const { input } = draft;
  const deciding = decidingMigration(input.migrations ?? []);
  const names = (input.migrations ?? []).map((one) => one.name);
  if (input.definition.database?.backup.method === 'none' && deciding?.rollbackClass !== 'reversible') return [];
  switch (deciding?.rollbackClass) {
    case 'restore':
      return [
        step(
          'rollback',
          'restore',
          { kind: 'restore', title: 'restore the database from the backup', input: {} },
          { ...UNDO_OPTIONS, timeoutMs: 6 * HOUR },
        ),
      ];
    case 'reversible':
      return [
        step(
          'rollback',
          'migrate-down',
          { kind: 'migrate-down', title: `run the down files of ${names.join(', ')}`, input: { ...migrateInput(draft), names } },
          { ...UNDO_OPTIONS, timeoutMs: 6 * HOUR },
        ),
      ];
    default:
      return [];
  }
}
