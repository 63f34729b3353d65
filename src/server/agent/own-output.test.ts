import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'slipway-output-'));
  file = path.join(directory, 'agent.log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a process that writes numbered lines with its output going where the test says; one that writes to the file then crashes. */
function run(output: 'file' | 'pipe' | 'elsewhere'): string {
  const script = `
    const { ownOutput } = await import(${JSON.stringify(path.join(import.meta.dirname, 'own-output.ts'))});
    const write = ownOutput(${JSON.stringify(file)}, 10_000);
    for (let line = 0; line < 2_000; line += 1) write('line ' + line + '\\n');
    if (${output === 'file'}) throw new Error('the last words');`;
  const descriptor = output === 'pipe' ? null : openSync(output === 'file' ? file : path.join(directory, 'elsewhere.log'), 'a');
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', descriptor ?? 'pipe', descriptor ?? 'pipe'],
    encoding: 'utf8',
  });
  if (descriptor !== null) closeSync(descriptor);
  return stdout ?? '';
}
const numbersOf = (text: string): readonly number[] => [...text.matchAll(/^line (\d+)$/gm)].map(([, number]) => Number(number));

test('keeps the log in two bounded files, without a hole, the newest lines and last words included', () => {
  run('file');
  expect(readdirSync(directory).toSorted()).toEqual(['agent.log', 'agent.log.1']);
  const [older, newer] = [readFileSync(`${file}.1`, 'utf8'), readFileSync(file, 'utf8')];
  const numbers = numbersOf(older + newer);
  expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index));
  expect(numbers.at(-1)).toBe(1_999);
  expect(newer).toContain('the last words');
  expect(older.length).toBeLessThanOrEqual(10_000);
  expect(older.length).toBeGreaterThan(9_900);
});

test('goes on where the process before it ended', () => {
  writeFileSync(file, 'from before\n'.repeat(900));
  run('file');
  expect(numbersOf(readFileSync(file, 'utf8')).at(-1)).toBe(1_999);
  expect(readFileSync(`${file}.1`, 'utf8').length).toBeLessThanOrEqual(10_800);
});

test('leaves any other output alone', () => {
  writeFileSync(file, 'of the agent\n');
  expect(numbersOf(run('pipe'))).toHaveLength(2_000);
  run('elsewhere');
  expect(numbersOf(readFileSync(path.join(directory, 'elsewhere.log'), 'utf8'))).toHaveLength(2_000);
  expect(readFileSync(file, 'utf8')).toBe('of the agent\n');
});
