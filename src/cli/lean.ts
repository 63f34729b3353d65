/** Options before the command that take a value. */
const VALUED: ReadonlySet<string> = new Set(['-C', '--dir', '-c', '--config']);

/**
 * MB of each half of V8's young generation. Left alone it grows to 32 under requests, which is 64 MB of memory for a few percent of CPU;
 * it can be set only where a process begins.
 */
const YOUNG_MB = 4;

/**
 * Has `slipway serve` begin anew, as the same process, with less memory for what is short-lived. Answers where that is not to be, or not
 * possible: the process goes on as it is. Written for a Node older than the rest needs.
 * @param file the program
 */
export function beginLean(file: string, args: readonly string[]): void {
  if (commandOf(args) !== 'serve' || isSaid() || process.channel !== undefined) return;
  try {
    process.execve?.(
      process.execPath,
      [process.execPath, ...process.execArgv, `--max-semi-space-size=${YOUNG_MB}`, file, ...args],
      process.env,
    );
  } catch {
    // No system on which a process can; more memory is needed there.
  }
}

function commandOf(args: readonly string[]): string | null {
  const at = args.findIndex((one, index) => !one.startsWith('-') && !VALUED.has(args[index - 1] ?? ''));
  return args[at] ?? null;
}

/** By us, a moment ago, or by whoever starts us, in NODE_OPTIONS. */
function isSaid(): boolean {
  return [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((one) => /semi[-_]space[-_]size/.test(one));
}
