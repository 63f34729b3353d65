import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock, type Effects } from '../../kernel/index.ts';
import { createProcessTarget, type GroupSpec, type ProcessSpec, type Target } from '../../targets/index.ts';
import { groupOf, waitUntilReady } from './group.ts';

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
  const wait = async (processes: readonly ProcessSpec[], withinMs: number, more: Partial<GroupSpec> = {}) => {
    const state = mkdtempSync(join(root, 'state-'));
    const target = await createProcessTarget({ directory: state, clock: systemClock, log: () => undefined, environment: process.env });
    const group = { ...spec(null), directory, processes, ...more };
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
    const { outcome, notes } = await wait([flapping, sh('api', 'sleep 60', deaf)], 60_000);
    expect(outcome).toMatchObject({
      verdict: 'fail',
      reason: 'worker#0 was started 6 times and does not stay: it exited with code 3',
      facts: { output: { of: 'worker#0', lines: ['no such column'] } },
    });
    expect(notes).toEqual(['the last lines of worker#0:', '  no such column']);
  }, 90_000);

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

  it('does not wait for what was asked for only for a time that is over', async () => {
    const { outcome } = await wait([sh('worker', 'exec sleep 60', { kind: 'alive', forMs: 60_000 })], 60_000, { stopAfterMs: 1 });
    expect(outcome).toEqual({ verdict: 'pass', reason: '1.0.0 was kept for as long as asked, and is stopped' });
  }, 90_000);

  it('says what was asked for and is not there when time is up', async () => {
    const { outcome } = await wait([sh('worker', 'echo waiting for a lock; sleep 60', { kind: 'alive', forMs: 60_000 })], 8_000);
    expect(outcome).toMatchObject({
      verdict: 'unknown',
      reason: expect.stringMatching(/^not ready in time: worker#0 is starting/) as string,
      facts: { output: { lines: ['waiting for a lock'] } },
    });
  }, 30_000);
});
