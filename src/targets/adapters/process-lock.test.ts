import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { processRef } from './keeper-record.ts';
import { lockFolder } from './process-lock.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-lock-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = path.join(directory, 'supervisor.lock');

/** Tries to take the folder when it is told to, says whether it got it, and holds it until its input ends. */
const CONTENDER = `
  const { lockFolder } = await import(${JSON.stringify(path.join(import.meta.dirname, 'process-lock.ts'))});
  process.stdout.write('here ');
  process.stdin.once('data', async () => {
    const outcome = await lockFolder(${JSON.stringify(file)}).then(() => 'got it', (error) => error.code);
    process.stdout.write(outcome + '\\n');
  }).on('end', () => process.exit(0));`;

test('of many that find a dead owner at once, exactly one takes the folder', { timeout: 180_000 }, async () => {
  writeFileSync(file, JSON.stringify({ pid: process.pid, startTicks: 1 }));
  const contenders = Array.from({ length: 6 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', CONTENDER], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (chunk) => (said += String(chunk)));
    return { child, said: () => said };
  });
  try {
    await expect.poll(() => contenders.every(({ said }) => said() === 'here ')).toBe(true);
    for (const { child } of contenders) child.stdin.write('go\n');
    await expect.poll(() => contenders.every(({ said }) => said().endsWith('\n'))).toBe(true);
    expect(contenders.map(({ said }) => said()).toSorted()).toEqual([
      ...Array.from({ length: 5 }, () => 'here agent_running\n'),
      'here got it\n',
    ]);
    const winner = contenders.find(({ said }) => said().includes('got it'))?.child;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(processRef(winner?.pid ?? 0));
    await expect(lockFolder(file)).rejects.toMatchObject({
      code: 'agent_running',
      message: expect.stringContaining(`Process ${winner?.pid} `) as string,
    });
    winner?.kill('SIGKILL');
    await once(winner ?? process, 'exit');
    (await lockFolder(file))();
  } finally {
    for (const { child } of contenders) child.kill('SIGKILL');
  }
});

test('an owner the kernel lock does not know keeps the folder while it lives', async () => {
  const other = spawn('sleep', ['300']);
  try {
    writeFileSync(file, JSON.stringify(processRef(other.pid ?? 0)));
    await expect(lockFolder(file)).rejects.toMatchObject({ code: 'agent_running' });
    other.kill('SIGKILL');
    await once(other, 'exit');
    (await lockFolder(file))();
  } finally {
    other.kill('SIGKILL');
  }
});
