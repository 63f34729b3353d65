import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createKeeperLog } from './keeper-log.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'slipway-keeper-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const file = path.join(directory, 'web-0.log');
const read = (name = file): string => readFileSync(name, 'utf8');

test('appends over restarts and hides secrets, also across chunks', () => {
  const first = createKeeperLog(file, ['hunter2-correct-horse']);
  const input = first.input();
  input(Buffer.from('it is hunter2-corr'));
  input(Buffer.from('ect-horse\nno newline'));
  first.note('password=hunter3 noted');
  first.finish();
  createKeeperLog(file, []).note('second run');
  expect(read()).toBe('it is [redacted]\n[slipway] password=[redacted] noted\nno newline\n[slipway] second run\n');
});

test('keeps two files of bounded size, the newest lines last', () => {
  const log = createKeeperLog(file, [], 10_000);
  const input = log.input();
  for (let line = 0; line < 5_000; line += 1) input(Buffer.from(`line ${line}\n`));
  log.finish();
  expect(readdirSync(directory).sort()).toEqual(['web-0.log', 'web-0.log.1']);
  expect(read().endsWith('line 4999\n')).toBe(true);
  expect(read().length).toBeLessThanOrEqual(10_000);
  expect(read(`${file}.1`).length).toBeLessThanOrEqual(10_000);
  expect((read(`${file}.1`) + read()).length).toBeGreaterThan(10_000);
  const numbers = (read(`${file}.1`) + read()).match(/\d+/g)?.map(Number) ?? [];
  expect(numbers).toEqual(numbers.map((_number, index) => (numbers[0] ?? 0) + index));
});

test('a log that cannot be written loses lines, not the instance', () => {
  const log = createKeeperLog(path.join(directory, 'gone', 'x.log'), []);
  log.input()(Buffer.from('lost\n'));
  mkdirSync(path.join(directory, 'gone'));
  log.note('found');
  log.finish();
  expect(read(path.join(directory, 'gone', 'x.log'))).toBe('[slipway] found\n');
});
