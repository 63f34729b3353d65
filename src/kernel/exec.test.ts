import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { signalOne } from '../../test/support/signal.ts';
import { createExec } from './exec.ts';
import type { ExecRequest } from './effects.ts';
import { groupAlive, readProcessStat } from './process-group.ts';
import { createRedactor, SlipwayError } from './pure.ts';
import { systemClock } from './system.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-exec-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const PATH = process.env['PATH'] ?? '';
const logFile = path.join(directory, 'log');
const exec = createExec(systemClock, createRedactor());

function shell(script: string, more: Partial<ExecRequest> = {}): ExecRequest {
  return { argv: ['sh', '-c', script], cwd: directory, env: { PATH }, timeoutMs: 20_000, logFile, secrets: [], graceMs: 300, ...more };
}

const pidIn = (name: string): number => Number(readFileSync(path.join(directory, name), 'utf8'));

test('reports the exit code, both streams, size and digest of the log', async () => {
  const result = await exec(shell('echo out; echo err >&2; exit 3'));
  const text = readFileSync(logFile, 'utf8');
  expect(text.split('\n').sort()).toEqual(['', 'err', 'out']);
  expect(result).toMatchObject({ exitCode: 3, signal: null, timedOut: false, isCanceled: false, log: { bytes: 8, truncated: false } });
  expect(result.tail).toContain('out');
});

test('stdin is empty, the environment is exactly the one given, and arguments reach no shell', async () => {
  await exec(shell('cat; env | cut -d= -f1 | sort'));
  expect(readFileSync(logFile, 'utf8').replace(/^_\n|^PWD\n|^OLDPWD\n|^SHLVL\n/gm, '')).toBe('PATH\n');
  await exec({ ...shell(''), argv: ['printf', '%s', '$(id); `id` "'] });
  expect(readFileSync(logFile, 'utf8')).toBe('$(id); `id` "\n');
});

test('a signal is told apart from an exit code', async () => {
  expect(await exec(shell('kill -9 $$'))).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
});

test('planted secrets reach neither log nor tail, nor any argument list', async () => {
  const secret = 'hunter2-correct-horse';
  const result = await exec(
    shell('echo "it is $S"; echo "postgres://u:pw12345@h/d"; tr "\\0" " " </proc/$PPID/cmdline', {
      env: { PATH, S: secret },
      secrets: [secret],
    }),
  );
  const seen = readFileSync(logFile, 'utf8') + result.tail;
  expect(seen).toContain('it is [redacted]');
  expect(seen).toContain('guard-main');
  expect(seen).not.toMatch(/hunter2|pw12345/);
});

test('a missing command, a file without the x bit and a missing folder are refusals with a code', async () => {
  await expect(exec({ ...shell(''), argv: ['no-such-command-here'] })).rejects.toMatchObject({ code: 'command_not_found' });
  writeFileSync(path.join(directory, 'plain.txt'), 'x', { mode: 0o644 });
  await expect(exec({ ...shell(''), argv: ['./plain.txt'] })).rejects.toMatchObject({ code: 'command_not_found' });
  await expect(exec({ ...shell(''), cwd: path.join(directory, 'gone') })).rejects.toThrow(SlipwayError);
});

test('the time limit ends the whole group, also processes that ignore SIGTERM', async () => {
  // Long enough for the shell to come to where it is deaf.
  const result = await exec(shell('trap "" TERM; (trap "" TERM; sleep 60) & echo $! > deaf.pid; sleep 60; sleep 60', { timeoutMs: 3_000 }));
  expect(result).toMatchObject({ timedOut: true, isCanceled: false, signal: 'SIGKILL' });
  expect(['Z', undefined]).toContain(readProcessStat(pidIn('deaf.pid'))?.state);
  expect(readFileSync(logFile, 'utf8')).toContain('the time limit was reached');
});

test('aborting ends the command; aborted before the start, nothing is started', async () => {
  const controller = new AbortController();
  const running = exec(shell('echo $$ > abort.pid; sleep 60', { signal: controller.signal }));
  await expect.poll(() => readFileSync(path.join(directory, 'abort.pid'), 'utf8')).toMatch(/\d/);
  controller.abort();
  expect(await running).toMatchObject({ isCanceled: true, timedOut: false });
  expect(await exec(shell('touch started', { signal: controller.signal }))).toMatchObject({ isCanceled: true, exitCode: null });
  expect(() => readFileSync(path.join(directory, 'started'))).toThrow(/ENOENT/);
});

test('what a command leaves running behind it is ended with the step', async () => {
  const result = await exec(shell('sleep 60 & echo $! > left.pid'));
  expect(result.exitCode).toBe(0);
  expect(['Z', undefined]).toContain(readProcessStat(pidIn('left.pid'))?.state);
});

test.runIf(process.platform === 'linux')('100 MB of output takes constant memory', async () => {
  const result = await exec(
    shell('yes "a line of output that is forty bytes long" | head -c 100000000; grep VmHWM /proc/$PPID/status', { maxLogBytes: 1_000_000 }),
  );
  expect(result.log.bytes).toBeLessThan(1_001_000);
  expect(result.log.truncated).toBe(true);
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(result.tail)?.[1])).toBeLessThan(200_000);
});

/** A worker in a process of its own, which runs `sleep` under a guard and can be killed or frozen. */
let worker: ReturnType<typeof spawn> | null = null;
afterEach(() => {
  worker?.kill('SIGKILL');
  worker = null;
});
function startWorker(deadManMs: number): ReturnType<typeof spawn> {
  const script = `
    const { createExec } = await import(${JSON.stringify(path.join(import.meta.dirname, 'exec.ts'))});
    const { systemClock } = await import(${JSON.stringify(path.join(import.meta.dirname, 'system.ts'))});
    const exec = createExec(systemClock, (text) => text, { deadManMs: ${deadManMs} });
    const request = ${JSON.stringify(shell('echo $$ > worker.pid.new; mv worker.pid.new worker.pid; sleep 60', { timeoutMs: 60_000 }))};
    await exec(request).then((result) => console.log(JSON.stringify(result)), (error) => console.log(error.code));`;
  worker = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  return worker;
}

test('kill -9 of the worker ends its command', async () => {
  rmSync(path.join(directory, 'worker.pid'), { force: true });
  const running = startWorker(60_000);
  await expect.poll(() => pidIn('worker.pid')).toBeGreaterThan(0);
  running.kill('SIGKILL');
  await expect.poll(() => groupAlive(pidIn('worker.pid'))).toBe(false);
  expect(readFileSync(logFile, 'utf8')).toContain('the worker is gone or frozen');
});

test('a frozen worker loses its command, and learns so when it thaws', async () => {
  rmSync(path.join(directory, 'worker.pid'), { force: true });
  const running = startWorker(1_000);
  let said = '';
  running.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await expect.poll(() => pidIn('worker.pid')).toBeGreaterThan(0);
  running.kill('SIGSTOP');
  await expect.poll(() => groupAlive(pidIn('worker.pid'))).toBe(false);
  running.kill('SIGCONT');
  await once(running, 'close');
  expect(said.trim()).toBe('fenced');
});

test('a worker that touches its guard keeps a command that runs longer than the lease', async () => {
  const quick = createExec(systemClock, createRedactor(), { deadManMs: 1_000 });
  expect(await quick(shell('sleep 2.5; echo done'))).toMatchObject({ exitCode: 0, tail: 'done' });
});

test('Ctrl-C and hang-up of the terminal do not reach the guard', async () => {
  const result = await exec(shell('kill -INT $PPID; kill -HUP $PPID; sleep 0.3; echo done'));
  expect(result).toMatchObject({ exitCode: 0, tail: 'done' });
});

test('kill -9 of the guard leaves no command behind', async () => {
  const running = exec(shell('echo $$ > guarded.pid; sleep 0.3; kill -9 $PPID; sleep 60'));
  await expect(running).rejects.toThrow('guard process ended without an answer');
  await expect.poll(() => groupAlive(pidIn('guarded.pid'))).toBe(false);
});

/** Guard processes of this process, waiting or at work. */
function guardsHere(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((pid) => commandLine(pid).includes('guard-main'));
}
function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

test.runIf(process.platform === 'linux')(
  'the guard of the next command is started ahead, and one that died meanwhile is not used',
  async () => {
    const known = new Set(guardsHere());
    const ahead = createExec(systemClock, createRedactor());
    const guardOf = async (): Promise<number> => {
      const pid = Number((await ahead(shell('echo $PPID'))).tail);
      known.add(pid);
      return pid;
    };
    const waiting = (): number => guardsHere().find((pid) => !known.has(pid)) ?? 0;
    await guardOf();
    const next = waiting();
    expect(await guardOf()).toBe(next);
    const killed = waiting();
    signalOne(killed);
    await expect.poll(() => readProcessStat(killed)).toBe(null);
    expect(await guardOf()).not.toBe(killed);
  },
);

test.runIf(process.platform === 'linux')('guards of commands that are told ahead wait for them', async () => {
  const others = new Set(guardsHere());
  const told = createExec(systemClock, createRedactor(), { spareMs: 60_000 });
  const waiting = (): readonly number[] => guardsHere().filter((pid) => !others.has(pid));
  told.ahead(2);
  await expect.poll(waiting).toHaveLength(2);
  const ready = waiting();
  const used = [Number((await told(shell('echo $PPID'))).tail), Number((await told(shell('echo $PPID'))).tail)];
  expect(new Set(used)).toEqual(new Set(ready));
});

test.runIf(process.platform === 'linux')('a guard that nobody needs ends, and is not replaced', async () => {
  const others = guardsHere();
  const brief = createExec(systemClock, createRedactor(), { spareMs: 1 });
  await brief(shell('true'));
  const left = (): readonly number[] => guardsHere().filter((pid) => !others.includes(pid));
  await expect.poll(left).toEqual([]);
  // As long as it takes several times over to make another one.
  await once(spawn('sleep', ['0.5']), 'exit');
  expect(left()).toEqual([]);
});
