#!/usr/bin/env node
/**
 * Builds dist/ when it is older than what it is made of; `--force` builds anyway.
 * Plain JavaScript for any Node >= 18, because it runs on a machine that has nothing else yet.
 * The new build is made aside and swapped in, so a build that fails (or two at once) leaves a whole dist/ behind.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

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

/** Name, size and time of every input: also changes when a file is removed or gets an older time. */
function fingerprint() {
  const inputs = [
    ...filesBelow(path.join(ROOT, 'src')).map((file) => path.join('src', file)),
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
  ];
  const hash = createHash('sha256');
  for (const file of inputs) {
    const { size, mtimeMs } = statSync(path.join(ROOT, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function copyAssets(into) {
  const source = path.join(ROOT, 'src');
  for (const file of filesBelow(source).filter((name) => !/\.[cm]?tsx?$/.test(name))) {
    mkdirSync(path.dirname(path.join(into, file)), { recursive: true });
    copyFileSync(path.join(source, file), path.join(into, file));
  }
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

/**
 * Makes dist/ match src/. Returns true when it built.
 * @throws Error when the compiler refuses the sources (its messages are on the terminal)
 */
export function ensureBuilt({ force = false } = {}) {
  const wanted = fingerprint();
  if (!force && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return false;
  const fresh = `${DIST}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  try {
    const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    const built = spawnSync(process.execPath, [tsc, '-p', path.join(ROOT, 'tsconfig.build.json'), '--outDir', fresh], {
      stdio: 'inherit',
      cwd: ROOT,
    });
    if (built.error) throw built.error;
    if (built.status !== 0) throw new Error('The sources do not compile; the messages above say where.');
    copyAssets(fresh);
    const main = path.join(fresh, 'cli', 'main.js');
    if (existsSync(main)) chmodSync(main, 0o755);
    writeFileSync(path.join(fresh, '.built-from'), wanted);
    swapIn(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return true;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    ensureBuilt({ force: process.argv.includes('--force') });
  } catch (error) {
    console.error(`slipway: the build failed. ${error.message}`);
    process.exitCode = 1;
  }
}
