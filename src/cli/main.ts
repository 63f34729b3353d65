#!/usr/bin/env node
/**
 * The door of `slipway`. Imports nothing before it knows that this Node can run the rest, and nothing at all for
 * `--version`: everything else is loaded by the command that needs it.
 */
const OLDEST_NODE = [22, 19] as const;

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  if (!isCurrent(process.versions.node)) return runOnPackagedNode(args);
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) return printVersion();
  // What is packed into a few large files is shown as it was written.
  if (process.env['SLIPWAY_DEBUG'] === '1') process.setSourceMapsEnabled(true);
  await beginLeanly(args);
  await endWithRelay();
  const { runCli } = await import('./program.ts');
  await runCli(args);
}

function isCurrent(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

async function printVersion(): Promise<void> {
  const { ownVersion } = await import('./output/version.ts');
  process.stdout.write(`${ownVersion()}\n`);
}

/** A server that runs for months may begin twice, for a third less memory. */
async function beginLeanly(args: readonly string[]): Promise<void> {
  if (!args.includes('serve')) return;
  const { beginLean } = await import('./lean.ts');
  const { fileURLToPath } = await import('node:url');
  beginLean(fileURLToPath(import.meta.url), args);
}

/** Whoever started us sees only the process that runs us in its place; when it is killed, we are meant. */
async function endWithRelay(): Promise<void> {
  const relay = process.env['SLIPWAY_RELAY'];
  if (relay === undefined) return;
  // What we start ourselves may outlive us, and is nobody's replacement.
  delete process.env['SLIPWAY_RELAY'];
  const { endWithParent } = await import('./relay.ts');
  endWithParent(Number(relay));
}

/** Runs the same command on the npm package `node` beside ours, where there is one. */
async function runOnPackagedNode(args: readonly string[]): Promise<void> {
  const { createRequire } = await import('node:module');
  const { existsSync } = await import('node:fs');
  const { fileURLToPath } = await import('node:url');
  const beside = createRequire(import.meta.url).resolve.paths('node') ?? [];
  const packaged = beside.map((folder) => `${folder}/node/bin/node`).find((file) => existsSync(file));
  // Its child sees a current Node; one that is not would start itself for ever.
  if (packaged === undefined || process.env['SLIPWAY_REEXEC'] !== undefined) return refuse();
  const { runInPlace } = await import('./relay.ts');
  const env = { ...process.env, SLIPWAY_REEXEC: '1', SLIPWAY_RELAY: String(process.pid) };
  runInPlace(packaged, [fileURLToPath(import.meta.url), ...args], env, refuse);
}

function refuse(): void {
  process.stderr.write(`error: Slipway needs Node >= ${OLDEST_NODE.join('.')}; this is ${process.version}\n`);
  process.stderr.write('hint: Install a current Node, or `npm install node@24` beside Slipway, which is then used.\n');
  process.exitCode = 29;
}
