import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { makeRunFolder } from './run-folder.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Before any test: the right Node, and a dist/ that matches src/, because end-to-end tests run what users run. Answers what is done after the last. */
export function setup(): () => void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 19)) {
    throw new Error(`The tests need Node >= 22.19 and this is ${process.version}. Run them with \`npm test\`, which finds the right one.`);
  }
  const build = spawnSync(process.execPath, [path.join(ROOT, 'scripts/build.mjs')], { encoding: 'utf8' });
  // `npm test` has built before it came here and stopped if it could not; a developer in the middle of a change may still run unit tests.
  if (build.status !== 0)
    console.error(`dist/ is out of date, end-to-end tests run an older build. The first error: ${build.stdout.split('\n')[0]}`);
  return makeRunFolder();
}
