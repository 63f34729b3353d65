import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DEMO_FAULTS } from '../../src/cli/demo/demo.ts';
import { endHome } from './support/small-service.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const DEADLINE_MS = 240_000;

/** What undoes each broken version: the first step that saw it. They take half a minute each, so only the usual one, and the one that only the service's own check can see. */
const SEEN_BY: Readonly<Partial<Record<(typeof DEMO_FAULTS)[number], RegExp>>> = {
  'broken-writes': /rolling back: verify.smoke failed: POST \/orders/,
  // It may live just long enough to count as started.
  'worker-dead': /rolling back: (deploy.start|verify.smoke) failed/,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slipway-demo-'));
});
afterAll(async () => {
  for (const fault of Object.keys(SEEN_BY)) await endHome(join(folder, fault, '.slipway'));
  await rm(folder, { recursive: true, force: true });
});

/** The first thing a stranger runs: two good releases, one that undoes itself, proof of all three. */
describe('the demo', () => {
  it.each(Object.entries(SEEN_BY))(
    'releases, undoes %s, and verifies what it did',
    async (fault, seen) => {
      const { code, said } = await demo(fault);
      expect(code, said).toBe(0);
      expect(said).toMatch(seen);
      expect(said).toMatch(/Users during 1\.1\.0: \d+ reads, \d+ writes, 0 failed/);
      // Users who are held longer than the router holds anybody, on a machine as busy as this one, are told to come again.
      expect(failuresDuring(said, '1.2.0 and its rollback').filter((one) => !one.includes('answered 503'))).toEqual([]);
      expect(said).toMatch(/rolling back: deploy.judge-\d+ failed: 1\.3\.0 at \d+ %: errors: .* of the canary's requests were bad/);
      for (const line of [
        '1.0.0 released: pack verified',
        '1.1.0 released: pack verified',
        '1.2.0 rolled-back: pack verified',
        '1.3.0 rolled-back: pack verified',
      ])
        expect(said).toContain(line);
    },
    DEADLINE_MS,
  );
});

function failuresDuring(said: string, phase: string): readonly string[] {
  const [, line = null] = new RegExp(`Users during ${phase.replaceAll('.', '\\.')}: (.*)`).exec(said) ?? [];
  if (line === null) throw new Error(`Nothing was said of users during ${phase}: ${said}`);
  return /failed \((.*)\), slowest/.exec(line)?.[1]?.split(', ') ?? [];
}

function demo(fault: string): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve) => {
    // Ends before the test does, so that what it said is shown.
    const options = { timeout: DEADLINE_MS - 20_000, maxBuffer: 16 * 1024 * 1024 };
    execFile(process.execPath, [MAIN, 'demo', '--fault', fault, '--folder', join(folder, fault)], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, said: `${stdout}\n${stderr}` });
    });
  });
}
