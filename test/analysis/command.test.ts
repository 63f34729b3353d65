import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCommandSource } from '../../src/analysis/index.ts';
import { sourceContract, type SourceHarness } from '../../src/analysis/contract.ts';
import { createExec, createRedactor, systemClock } from '../../src/kernel/index.ts';
import { createCleanup, scratch } from '../traffic/support.ts';
import { QUESTION } from './support.ts';

const exec = createExec(systemClock, createRedactor());
const zero = () => ({ canary: { requests: 0, bad: 0 }, stable: { requests: 0, bad: 0 } });
const done = async (): Promise<void> => undefined;

function commandSource(folder: string, argv: readonly string[], timeoutMs = 20_000) {
  return createCommandSource({
    argv,
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    secrets: [],
    timeoutMs,
    exec,
    clock: systemClock,
  });
}

async function commandHarness(): Promise<SourceHarness> {
  const cleanup = createCleanup();
  const folder = await scratch(cleanup);
  const file = join(folder, 'counts.json');
  let totals = zero();
  let epoch = 0;
  let isDead = false;
  const write = async (): Promise<void> => {
    if (isDead) return;
    // As a program that wants to be read at any moment writes.
    await writeFile(`${file}.new`, JSON.stringify({ ...totals, epoch }));
    await rename(`${file}.new`, file);
  };
  await write();
  await writeFile(
    join(folder, 'counts.mjs'),
    `import { readFileSync } from 'node:fs';
const { canary, stable, epoch } = JSON.parse(readFileSync('counts.json', 'utf8'));
const known = { '1.1.0': canary, '1.0.0': stable };
const none = { requests: 0, bad: 0 };
console.error('counting');
console.log(JSON.stringify({ canary: known[process.env.SLIPWAY_CANARY_VERSION] ?? none, stable: known[process.env.SLIPWAY_STABLE_VERSION] ?? none, epoch }));`,
  );
  return {
    source: () => commandSource(folder, [process.execPath, 'counts.mjs']),
    question: QUESTION,
    count: async (more) => {
      const sum = (side: 'canary' | 'stable') => ({
        requests: totals[side].requests + more[side].requests,
        bad: totals[side].bad + more[side].bad,
      });
      totals = { canary: sum('canary'), stable: sum('stable') };
      await write();
    },
    settled: done,
    reset: async () => {
      totals = zero();
      epoch += 1;
      await write();
    },
    kill: async () => {
      isDead = true;
      await rm(file);
    },
    revive: async () => {
      isDead = false;
      await write();
    },
    close: () => cleanup.run(),
  };
}

sourceContract('command', { unknownVersion: 'zero' }, commandHarness);

describe('a command that prints something else', () => {
  const readingOf = async (script: string, timeoutMs?: number) => {
    const cleanup = createCleanup();
    const folder = await scratch(cleanup);
    const reading = await commandSource(folder, [process.execPath, '-e', script], timeoutMs).read(QUESTION, new AbortController().signal);
    await cleanup.run();
    return reading;
  };
  const silent = (reason: RegExp) => ({ kind: 'silent', reason: expect.stringMatching(reason) as string });

  it.each([
    ['nothing', '', /printed no JSON/],
    ['prose', 'console.log("all good")', /printed no JSON/],
    ['a ratio', 'console.log(JSON.stringify({ canary: { rate: 0.1 }, stable: { rate: 0.1 } }))', /without \{"canary"/],
    ['one version only', 'console.log(JSON.stringify({ canary: { requests: 1, bad: 0 } }))', /without \{"canary"/],
    ['two kinds', 'console.log(JSON.stringify({ canary: 1, stable: { requests: 1, bad: 0 } }))', /without \{"canary"/],
    [
      'too much',
      'console.log("x".repeat(300) + "\\n".repeat(1)); for (let n = 0; n < 2000; n++) console.log("y".repeat(100))',
      /more than 64 KiB/,
    ],
    ['an error', 'console.error("no such table"); process.exit(3)', /exited with 3: no such table/],
  ])('is silent, and says why: %s', async (_name, script, reason) => {
    expect(await readingOf(script)).toMatchObject(silent(reason));
  });

  it('is silent when it prints nothing for ever', async () => {
    expect(await readingOf('setInterval(() => 0, 1000)', 500)).toMatchObject(silent(/longer than 500 ms/));
  });

  it('is not there', async () => {
    expect(await commandSource('/', ['no-such-program']).read(QUESTION, new AbortController().signal)).toMatchObject({
      kind: 'silent',
      reason: expect.stringContaining('no-such-program') as string,
    });
  });
});
