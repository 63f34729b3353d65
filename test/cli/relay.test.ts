import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { signalGroup } from '../../src/kernel/index.ts';
import { MAIN, ROOT, scratch } from './support.ts';

const folder = scratch();
afterAll(folder.remove);

const started: number[] = [];
// What a failed test left running.
afterEach(() => {
  for (const pid of started.splice(0)) signalGroup(pid, 'SIGKILL');
});

/** A program of its own session, as under a supervisor: no terminal sends it anything. */
function start(node: string, args: readonly string[]): ChildProcess {
  const child = spawn(node, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'], cwd: ROOT });
  if (child.pid !== undefined) started.push(child.pid);
  return child;
}

function script(name: string, text: string): string {
  const file = join(folder.path, name);
  writeFileSync(file, text);
  return file;
}

const SOURCE = join(ROOT, 'src/cli/relay.ts');

/** Starts the relay with a program that says when it is ready, and sends a signal to the relay alone. */
async function signalled(signal: NodeJS.Signals, program: string): Promise<{ readonly exit: unknown; readonly said: string }> {
  const relay = script(
    'relay.mjs',
    `import { runInPlace } from '${SOURCE}';\nrunInPlace(process.execPath, [${JSON.stringify(program)}], process.env, () => {});\n`,
  );
  const child = start(process.execPath, [relay]);
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.endsWith('ready\n')) child.kill(signal);
  });
  const [exit] = (await once(child, 'close')) as [unknown];
  return { exit, said };
}

const READY = "console.log('ready'); setInterval(() => undefined, 1_000);\n";

describe('the program that runs in our place', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('gets %s, once, and its exit code is ours', async (signal) => {
    const program = script(
      `polite-${signal}.mjs`,
      `process.on('${signal}', () => { console.log('told'); setTimeout(() => process.exit(42), 50); });\n${READY}`,
    );
    expect(await signalled(signal, program)).toEqual({ exit: 42, said: 'ready\ntold\n' });
  });

  it('that dies of the signal is reported as shells do', async () => {
    expect(await signalled('SIGINT', script('plain.mjs', READY))).toMatchObject({ exit: 130 });
    expect(await signalled('SIGHUP', script('plain.mjs', READY))).toMatchObject({ exit: 129 });
  });

  it('ends as told by SIGTERM when whoever ran it in its place was killed', async () => {
    const program = script(
      'orphan.mjs',
      `import { endWithParent } from '${SOURCE}';\nendWithParent(process.ppid);\nprocess.on('SIGTERM', () => { console.log('told'); process.exit(0); });\n${READY}`,
    );
    expect(await signalled('SIGKILL', program)).toEqual({ exit: null, said: 'ready\ntold\n' });
  });

  it('ends when whoever ran it in its place was killed before it could look', async () => {
    const [gone] = (await once(start(process.execPath, ['-e', 'console.log(process.pid)']).stdout ?? process.stdin, 'data')) as [Buffer];
    await expect.poll(() => isThere(Number(gone.toString()))).toBe(false);
    const program = script('late.mjs', `import { endWithParent } from '${SOURCE}';\nendWithParent(${gone.toString().trim()});\n${READY}`);
    expect((await once(start(process.execPath, [program]), 'close'))[1]).toBe('SIGTERM');
    const between = script(
      'between.mjs',
      `import { endWithParent } from '${SOURCE}';\nendWithParent(${process.pid});\nconsole.log('goes on');\n`,
    );
    const starter = script(
      'starter.mjs',
      `import { spawnSync } from 'node:child_process';\nspawnSync(process.execPath, ['${between}'], { stdio: 'inherit' });\n`,
    );
    const child = start(process.execPath, [starter]);
    const [said] = (await once(child.stdout ?? process.stdin, 'data')) as [Buffer];
    expect(said.toString()).toBe('goes on\n');
  });

  it('as Slipway hands on to nobody that it is in somebody’s place', () => {
    const said = join(folder.path, 'said');
    mkdirSync(join(folder.path, 'bin'));
    writeFileSync(join(folder.path, 'bin', 'git'), `#!/bin/sh\nprintenv SLIPWAY_RELAY > '${said}'\nexit 1\n`, { mode: 0o755 });
    const env = { ...process.env, SLIPWAY_RELAY: String(process.pid), PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}` };
    const { signal } = spawnSync(process.execPath, [MAIN, '-C', folder.path, 'flag', 'refs'], { env, timeout: 60_000 });
    expect([signal, readFileSync(said, 'utf8')]).toEqual([null, '']);
  });

  it('as Slipway begins by looking for whoever it was started by', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const env = { ...process.env, SLIPWAY_RELAY: String(dead) };
    const { signal } = spawnSync(
      process.execPath,
      [MAIN, '-C', folder.path, 'agent', 'run', '--no-worker', '--config', script('y.yaml', '')],
      { env, timeout: 60_000 },
    );
    expect(signal).toBe('SIGTERM');
  });

  const old = oldNode();
  // Its output is closed when the last process that has it is gone.
  it.skipIf(old === null).each([
    ['SIGINT', 0],
    ['SIGKILL', null],
  ] as const)('is Slipway on a current Node, when the one at hand is too old, and %s ends it', async (signal, exit) => {
    const child = start(old ?? '', [MAIN, '-C', folder.path, 'agent', 'run', '--no-worker', '--config', script('x.yaml', '')]);
    let said = '';
    let isTold = false;
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      // Once: an agent that is told again is to end at once.
      if (said.includes('agent ready') && !isTold) isTold = child.kill(signal);
    });
    expect((await once(child, 'close'))[0]).toBe(exit);
    expect(said).toContain('agent stopped');
  });
});

describe('an interrupt', () => {
  it('that is repeated after a moment ends the process at once', async () => {
    const source = join(ROOT, 'src/cli/commands/shared/interrupt.ts');
    const child = start(process.execPath, [script('patient.mjs', `import { onInterrupt } from '${source}';\nonInterrupt();\n${READY}`)]);
    await once(child.stdout ?? child, 'data');
    const impatient = setInterval(() => child.kill('SIGINT'), 50);
    expect((await once(child, 'exit'))[0]).toBe(130);
    clearInterval(impatient);
  });
});

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** A Node outside this package that Slipway does not run on; null where there is none. */
function oldNode(): string | null {
  const path = (process.env['PATH'] ?? '').split(':').filter((one) => !one.includes('node_modules'));
  for (const one of path) {
    const { stdout } = spawnSync(join(one, 'node'), ['--version'], { encoding: 'utf8' });
    const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1] ?? Number.NaN);
    if (major >= 18 && major < 22) return join(one, 'node');
  }
  return null;
}
