import { resolveTemplate, type ExecResult } from '../../kernel/index.ts';
import type { CommandDefinition } from '../core/definition.ts';
import { printedFact } from '../core/printed.ts';
import type { CommandContext, StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { as } from './input.ts';
import { sourceFolder } from '../artifact/folders.ts';

/** What every command may rely on beside what slipway.yaml gives it. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'CI', 'NODE_OPTIONS', 'npm_config_cache'] as const;

/** Runs test or scan in the source the artifact was built from. */
export function commandStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const command = as<CommandDefinition>(context.step.input['command']);
    const result = await runUserCommand(deps, context, command, { cwd: builtSource(deps, context) });
    return outcomeOf(command, result);
  };
}

/** The folder in which the artifact was built; an older build of Slipway did not record its name. */
export function builtSource({ home }: Pick<StepDeps, 'home'>, { plan, events }: Pick<StepContext, 'plan' | 'events'>): string {
  const built = events.findLast((event) => event.type === 'step.finished' && event.data.step === 'build.artifact');
  const name = built?.type === 'step.finished' ? built.data.facts['source'] : undefined;
  return sourceFolder(home, plan.release, typeof name === 'string' ? name : undefined);
}

/** Where a command runs, and variables it gets beyond its own; `hidden` are kept out of the log, left out: all their values. */
export interface CommandPlace {
  readonly cwd: string;
  readonly extra?: Readonly<Record<string, string>>;
  readonly hidden?: readonly string[];
}

/** Runs a command of slipway.yaml under a guard; its output joins the step's log. Arguments are never a shell string. */
export async function runUserCommand(
  deps: Pick<StepDeps, 'environmentFor'>,
  context: CommandContext,
  command: CommandDefinition,
  { cwd, extra = {}, hidden = Object.values(extra) }: CommandPlace,
): Promise<ExecResult> {
  const { plan, effects, signal, note } = context;
  const environment = await deps.environmentFor(plan.workspace, plan.definition.envFile);
  const secrets: string[] = [];
  const resolve = (template: string): string => {
    const resolved = resolveTemplate(template, environment, { version: plan.version, release: plan.release });
    secrets.push(...resolved.secrets);
    return resolved.value;
  };
  const argv = command.argv.map(resolve);
  const own = Object.fromEntries(Object.entries(command.env).map(([name, template]) => [name, resolve(template)]));
  const base = baseEnvironment(environment);
  note(`$ ${command.argv.join(' ')}`);
  const env = {
    ...base,
    SLIPWAY_RELEASE: plan.release,
    SLIPWAY_VERSION: plan.version,
    SLIPWAY_ENVIRONMENT: plan.environment,
    SLIPWAY_SERVICE: plan.service,
    ...extra,
    ...own,
  };
  const result = await effects.exec({
    argv,
    cwd,
    env,
    timeoutMs: command.timeoutMs,
    logFile: context.commandLog,
    secrets: [...secrets, ...hidden],
    signal,
  });
  await context.takeCommandLog();
  return result;
}

/** The variables every command gets; the rest of the worker's environment is not a command's business. */
export function baseEnvironment(environment: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
}

/** How a command ended, in words. */
export function outcomeOf(command: CommandDefinition, result: ExecResult): StepOutcome {
  const name = command.argv.slice(0, 3).join(' ');
  const facts = { exitCode: result.exitCode, signal: result.signal, logBytes: result.log.bytes };
  if (result.isCanceled) return { verdict: 'unknown', reason: `"${name}" was stopped`, facts };
  if (result.timedOut) return { verdict: 'fail', reason: `"${name}" took longer than ${command.timeoutMs / 1_000} s`, facts };
  if (result.exitCode === 0) return { verdict: 'pass', reason: `"${name}" exited with 0`, facts };
  const lines = result.tail.trimEnd().split('\n');
  const last = lines.at(-1) ?? '';
  return {
    verdict: 'fail',
    reason: `"${name}" ${result.signal === null ? `exited with ${result.exitCode}` : `was ended by ${result.signal}`}${last === '' ? '' : `: ${last.slice(0, 200)}`}`,
    // A single line is in the reason already.
    facts: { ...facts, ...printedFact({ of: name, lines: lines.length > 1 ? lines : [] }) },
  };
}
