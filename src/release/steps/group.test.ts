import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock, type Effects } from '../../kernel/index.ts';
import { createProcessTarget, type GroupSpec, type ProcessSpec, type Target } from '../../targets/index.ts';
import type { StepContext } from '../ports.ts';
import type { StepDeps } from './deps.ts';
import { applyGroupStep, groupOf, waitUntilReady } from './group.ts';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-group-')));
const [home, workspace] = [join(root, 'home'), join(root, 'workspace')];
const directory = join(home, 'artifacts/shop/1.0.0');
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, 'committed.env'), 'A=1\n');
afterAll(() => rmSync(root, { recursive: true }));

const spec = (envFile: string | null): GroupSpec => ({
  id: 'shop/dev/blue',
  service: 'shop',
  environment: 'dev',
  version: '1.0.0',
  release: 'r',
  directory: 'artifacts/shop/1.0.0',
  processes: [],
  envFile,
});

describe('groupOf', () => {
  it('names the artifact in the state directory', () => expect(groupOf(home, workspace, spec(null))).toEqual({ ...spec(null), directory }));

  it("takes a committed variables file from the version's artifact", () =>
    expect(groupOf(home, workspace, spec('committed.env'))).toMatchObject({ directory, envFile: 'committed.env' }));

  it('takes one that git ignores from the workspace', () =>
    expect(groupOf(home, workspace, spec('.env'))).toMatchObject({ directory, envFile: join(workspace, '.env') }));

  it('leaves an absolute one where it is', () =>
    expect(groupOf(home, workspace, spec('/etc/shop.env'))).toMatchObject({ envFile: '/etc/shop.env' }));
});

describe('waitUntilReady', () => {
  const sh = (name: string, script: string, health: ProcessSpec['health']): ProcessSpec => ({
    name,
    argv: ['sh', '-c', script],
    env: {},
    instances: 1,
    port: health.kind === 'http',
    health,
    stopGraceMs: 500,
  });
  const wait = async (processes: readonly ProcessSpec[], withinMs: number) => {
    const state = mkdtempSync(join(root, 'state-'));
    const target = await createProcessTarget({ directory: state, clock: systemClock, log: () => undefined, environment: process.env });
    const group = { ...spec(null), directory, processes };
    const notes: string[] = [];
    try {
      await target.apply(1, group);
      const effects = { clock: systemClock } as unknown as Effects;
      const waiting = { effects, signal: AbortSignal.timeout(withinMs), note: (line: string) => void notes.push(line) };
      return { notes, outcome: await waitUntilReady(target, group, waiting) };
    } finally {
      await target.stopAll();
      await target.close();
    }
  };

  it('fails a version whose process is ready for a moment and then exits, again and again, and tells what it printed', async () => {
    const deaf = { kind: 'http', path: '/', intervalMs: 1_000, timeoutMs: 100, startWithinMs: 60_000 } as const;
    const flapping = sh('worker', 'echo no such column; sleep 0.3; exit 3', { kind: 'alive', forMs: 100 });
    const { outcome, notes } = await wait([flapping, sh('api', 'sleep 60', deaf)], 150_000);
    expect(outcome).toMatchObject({
      verdict: 'fail',
      reason: 'worker#0 was started 6 times and does not stay: it exited with code 3',
      facts: { output: { of: 'worker#0', lines: ['no such column'] } },
    });
    expect(notes).toEqual(['the last lines of worker#0:', '  no such column']);
  }, 180_000);

  it('keeps its verdict when nobody can tell what was printed', async () => {
    const failed = { process: 'api', index: 0, phase: 'failed', lastExit: { code: 3, signal: null, at: 0 }, logFile: 'api-0.log' };
    const target = {
      inspect: async () => ({ spec: spec(null), stopAt: null, instances: [failed] }),
      output: async () => Promise.reject(new Error('The agent answered 404')),
    } as unknown as Target;
    const notes: string[] = [];
    const signal = new AbortController().signal;
    const waiting = { effects: { clock: systemClock } as unknown as Effects, signal, note: (line: string) => void notes.push(line) };
    expect(await waitUntilReady(target, spec(null), waiting)).toMatchObject({ verdict: 'fail' });
    expect(notes).toEqual(['what api#0 printed could not be read: The agent answered 404']);
  });

  it('says what was asked for and is not there when time is up', async () => {
    const { outcome } = await wait([sh('worker', 'echo waiting for a lock; sleep 60', { kind: 'alive', forMs: 60_000 })], 8_000);
    expect(outcome).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(/^not ready in time: worker#0 is starting/) as string,
      facts: { output: { lines: ['waiting for a lock'] } },
    });
  }, 180_000);
});

describe('the old version made smaller', () => {
  const [good, broken] = ['exec sleep 60', 'exit 1'];

  it.each([
    ['is not waited for when it is broken: a good version waits for no bad one', broken, {}, '0 of 1 instances of 1.0.0 are ready'],
    ['is not waited for when its time is over before anybody looks', good, { stopAfterMs: 1 }, '1.0.0 is stopped'],
  ] as const)('%s', { timeout: 180_000 }, async (_what, script, more, reason) => {
    const state = mkdtempSync(join(root, 'state-'));
    const target = await createProcessTarget({ directory: state, clock: systemClock, log: () => undefined, environment: process.env });
    const health = { kind: 'alive', forMs: 60_000 } as const;
    const shell = { name: 'old', argv: ['sh', '-c', script], env: {}, instances: 1, port: false, health, stopGraceMs: 500 };
    const input = { ...spec(null), directory: '', processes: [shell], ...more };
    const step = { id: 'observe.keep-warm', input };
    const context = {
      step,
      plan: { workspace },
      fence: 1,
      effects: { clock: systemClock },
      signal: AbortSignal.timeout(120_000),
      note: () => undefined,
    };
    try {
      // Looks only when its time is over, where it has one.
      const late: Target = {
        ...target,
        apply: async (...all) => {
          await target.apply(...all);
          if ('stopAfterMs' in more) await expect.poll(() => target.inspect('shop/dev/blue')).toBeNull();
        },
      };
      const deps = { home: directory, target: late } as unknown as StepDeps;
      expect(await applyGroupStep(deps)(context as unknown as StepContext)).toEqual({ verdict: 'pass', reason });
    } finally {
      await target.stopAll();
      await target.close();
    }
  });
});
