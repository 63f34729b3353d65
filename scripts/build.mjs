#!/usr/bin/env node
/**
 * Builds dist/ when it is older than what it is made of; `--force` builds anyway. Types are checked while the packer works.
 * Plain JavaScript: it also runs by hand, on a Node that is too old to strip types.
 * The new build is made aside and swapped in, so a build that fails (or two at once) leaves a whole dist/ behind.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const DIST = path.join(ROOT, 'dist');
const STAMP = path.join(DIST, '.built-from');

/** All files below `directory`, sorted, relative to it. */
function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true })
    .flatMap((entry) =>
      entry.isDirectory() ? filesBelow(path.join(directory, entry.name)).map((file) => path.join(entry.name, file)) : [entry.name],
    )
    .sort();
}

/** Name, size and time of every input: also changes when a file is removed or gets an older time. Libraries are packed too, so what is installed counts. */
function fingerprint() {
  const inputs = [
    ...filesBelow(path.join(ROOT, 'src')).map((file) => path.join('src', file)),
    ...['packages/service/src', 'packages/flags/src'].flatMap((folder) =>
      filesBelow(path.join(ROOT, folder)).map((file) => path.join(folder, file)),
    ),
    'scripts/build.mjs',
    'scripts/pack.mjs',
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
    'node_modules/.package-lock.json',
  ].filter((file) => existsSync(path.join(ROOT, file)));
  const hash = createHash('sha256');
  for (const file of inputs) {
    const { size, mtimeMs } = statSync(path.join(ROOT, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** The compiler's messages go to the terminal, each with its place in src/. */
async function checkTypes() {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!existsSync(tsc)) throw new Error('Nothing is installed here: run `npm ci` first.');
  const compiler = spawn(process.execPath, [tsc, '-p', path.join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit', cwd: ROOT });
  const [code] = await once(compiler, 'exit');
  if (code !== 0) throw new Error('The sources do not compile; the messages above say where.');
}

/** Loaded when there is something to pack: a start of what is built already need not wait for the packer. */
async function packInto(fresh) {
  const { pack } = await import('./pack.mjs');
  await pack(ROOT, fresh);
}

/** Puts `fresh` in the place of dist/; when another build was quicker, its result is kept. */
function swapIn(fresh) {
  const old = `${fresh}.old`;
  if (existsSync(DIST)) renameSync(DIST, old);
  try {
    renameSync(fresh, DIST);
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(old, { recursive: true, force: true });
}

/** Both are waited for, so that none still writes when the other has failed; the compiler's word comes first. */
async function checkAndPack(fresh) {
  for (const done of await Promise.allSettled([checkTypes(), packInto(fresh)])) if (done.status === 'rejected') throw done.reason;
}

/**
 * Makes dist/ match src/.
 * @throws Error when the compiler refuses the sources (its messages are on the terminal) or they cannot be packed
 */
async function ensureBuilt(force) {
  const wanted = fingerprint();
  if (!force && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  const fresh = `${DIST}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    await checkAndPack(fresh);
    chmodSync(path.join(fresh, 'cli', 'main.js'), 0o755);
    writeFileSync(path.join(fresh, '.built-from'), wanted);
    swapIn(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

try {
  await ensureBuilt(process.argv.includes('--force'));
} catch (error) {
  console.error(`slipway: the build failed. ${error.message}`);
  process.exitCode = 1;
}
