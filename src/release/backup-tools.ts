import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SlipwayError, type Effects } from '../kernel/index.ts';
import {
  chooseAvailable,
  type BackupMethod,
  type BackupTools,
  type DatabaseAccess,
  type RunCommand,
  type RunUserCommand,
} from '../database/index.ts';
import type { CommandDefinition, Definition } from './core/definition.ts';
import type { StepContext } from './ports.ts';
import type { StepDeps } from './steps/deps.ts';
import { baseEnvironment, runUserCommand } from './steps/command.ts';

const BACKUP_TIMEOUT_MS = 6 * 3_600_000;
const PROBE_TIMEOUT_MS = 10_000;

/** What backup methods work with inside a step: their commands run under a guard and end up in the step's log. */
export async function stepBackupTools(deps: StepDeps, context: StepContext): Promise<BackupTools> {
  const { plan, effects, signal, commandLog } = context;
  const base = baseEnvironment(await deps.environmentFor(plan.workspace, plan.definition.envFile));
  const run: RunCommand = async (argv, env, secrets) => {
    context.note(`$ ${argv.join(' ')}`);
    const result = await effects.exec({
      argv,
      cwd: plan.workspace,
      env: { ...base, ...env },
      timeoutMs: BACKUP_TIMEOUT_MS,
      logFile: commandLog,
      secrets,
      signal,
    });
    await context.takeCommandLog();
    return result;
  };
  const user = (command: CommandDefinition): RunUserCommand => {
    return async (extra, hidden) => runUserCommand(deps, context, command, { cwd: plan.workspace, extra, hidden });
  };
  return toolsOf(plan.definition, run, effects, user);
}

/** The same while planning, where nothing but a version question is run. */
export async function planningBackupTools(deps: StepDeps, workspace: string, definition: Definition): Promise<BackupTools> {
  const base = baseEnvironment(await deps.environmentFor(workspace, definition.envFile));
  const run: RunCommand = async (argv, env, secrets) => {
    const logFile = join(deps.home, `probe-${deps.effects.ids.token()}.log`);
    try {
      return await deps.effects.exec({ argv, cwd: workspace, env: { ...base, ...env }, timeoutMs: PROBE_TIMEOUT_MS, logFile, secrets });
    } finally {
      // Also of a program that is not there: its log was opened before it was looked for.
      await rm(logFile, { force: true });
    }
  };
  return toolsOf(definition, run, deps.effects, () => () => Promise.reject(new Error('a plan runs no backup command')));
}

function toolsOf(
  { database }: Definition,
  run: RunCommand,
  effects: Effects,
  user: (command: CommandDefinition) => RunUserCommand,
): BackupTools {
  const [create, restore] = [database?.backup.command ?? null, database?.backup.restore ?? null];
  const command = create === null ? null : { create: user(create), restore: restore === null ? null : user(restore) };
  return { run, effects, command, embedded: database !== null && typeof database.url !== 'string' };
}

/** The method slipway.yaml asks for, or the best that works here. @throws SlipwayError `client_tool_missing` with an install hint */
export async function chooseBackup(database: DatabaseAccess, { database: wanted }: Definition, tools: BackupTools): Promise<BackupMethod> {
  const method = wanted?.backup.method ?? 'auto';
  if (method === 'none') throw new Error('No backup is wanted');
  const { method: chosen, answer } = await chooseAvailable(database, method, tools);
  if (answer.ok) return chosen;
  throw new SlipwayError('client_tool_missing', answer.reason, { hint: answer.hint });
}
