import type { Duration, Exec } from '../kernel/index.ts';
import type { RunCommand } from './ports.ts';

/** Binds commands to a step: its log, folder, time limit and base environment (at least PATH). */
export function commandRunner(
  exec: Exec,
  binding: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly timeoutMs: Duration;
    readonly logFile: string;
    readonly signal?: AbortSignal;
  },
): RunCommand {
  return (argv, env, secrets) => exec({ ...binding, argv, env: { ...binding.env, ...env }, secrets });
}
