import { join } from 'node:path';
import { applyMigrations, downMigrations, migrationStatus, type DownResult, type MigrationResult } from '../../database/index.ts';
import { historyOf } from '../artifact/source.ts';
import type { CommandDefinition } from '../core/definition.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import { databaseOf } from './backup.ts';
import { outcomeOf, runUserCommand } from './command.ts';
import type { StepDeps } from './deps.ts';
import { as, number, text } from './input.ts';

/** Applies the planned migrations, or runs the project's own command. */
export function migrateStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, plan } = context;
    const command = as<CommandDefinition | null>(step.input['command']);
    const database = await databaseOf(deps, context);
    const folder = join(deps.home, text(step.input, 'folder'));
    if (command !== null) {
      const variable = plan.definition.database?.env ?? 'DATABASE_URL';
      return outcomeOf(command, await runUserCommand(deps, context, command, { cwd: folder, extra: { [variable]: database.url } }));
    }
    const directory = join(folder, text(step.input, 'migrations'));
    const surprise = await surpriseIn(context, directory, deps);
    if (surprise !== null) return surprise;
    const result = await applyMigrations({
      ...limitsOf(context),
      access: database,
      directory,
      ...historyOf(plan.definition.database),
      release: plan.release,
      fence: context.fence,
      acceptDrift: step.input['acceptDrift'] === true,
    });
    return outcomeOfRun(result);
  };
}

/** Runs the down files of the planned migrations, newest first. */
export function migrateDownStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, plan } = context;
    const access = await databaseOf(deps, context);
    const directory = join(deps.home, text(step.input, 'folder'), text(step.input, 'migrations'));
    const names = as<readonly string[]>(step.input['names']);
    return outcomeOfRun(
      await downMigrations({
        ...limitsOf(context),
        access,
        directory,
        ...historyOf(plan.definition.database),
        release: plan.release,
        fence: context.fence,
        names,
      }),
    );
  };
}

function limitsOf({ step, effects, signal, note }: StepContext) {
  return {
    lockTimeoutMs: number(step.input, 'lockTimeoutMs'),
    statementTimeoutMs: number(step.input, 'statementTimeoutMs'),
    effects,
    signal,
    onProgress: note,
  };
}

function outcomeOfRun({ verdict, reason, changed, files, partial }: MigrationResult | DownResult): StepOutcome {
  // A lost connection leaves it open what counted; the next try reads the history and goes on from there.
  return {
    verdict,
    reason,
    retry: verdict === 'unknown',
    facts: { changed, files: files.map((one) => ({ ...one })), partial: partial === null ? null : { ...partial } },
  };
}

/** The artifact must hold the migrations the plan was made (and approved) for, apart from those an earlier try applied. */
async function surpriseIn(context: StepContext, directory: string, deps: StepDeps): Promise<StepOutcome | null> {
  const expected = new Map(
    // A plan that was made without a look into the database names none, and so allows none.
    (as<readonly { readonly name: string; readonly sha256: string }[] | null>(context.step.input['expect']) ?? []).map((one) => [
      one.name,
      one.sha256,
    ]),
  );
  const { pending } = await migrationStatus(await databaseOf(deps, context), {
    directory,
    ...historyOf(context.plan.definition.database),
  });
  const strange = pending.filter((one) => expected.get(one.name) !== one.sha256).map((one) => one.name);
  if (strange.length === 0) return null;
  return { verdict: 'fail', reason: `the plan was not made for ${strange.join(', ')}; plan the release again`, facts: { changed: false } };
}
