import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../database/index.ts';
import { loadBackfill } from './backfill.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-backfills-'));
  mkdirSync(join(folder, 'backfills'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => {
  writeFileSync(join(folder, 'backfills', 'split.yaml'), text);
  return loadBackfill(folder, 'split');
};

describe('a backfill file', () => {
  it('is small in the simple case', async () => {
    const { definition } = await load('table: people\nwhere: a IS NULL\nset: { a: 1, b: upper(c) }\n');
    expect(definition).toEqual({
      name: 'split',
      required: false,
      table: 'people',
      key: null,
      where: 'a IS NULL',
      change: { kind: 'set', columns: { a: '1', b: 'upper(c)' } },
      verify: null,
      limits: DEFAULT_LIMITS,
    });
  });

  it('may say how gentle it is', async () => {
    const { definition } = await load(
      'table: t\nkey: [a, b]\nwhere: x\nfunction: f.ts\nlimits: { transaction: 5ms, kept-wal: 2GiB, most: 4h, nice: 0.5, active-sessions: 3 }\n',
    );
    expect(definition).toMatchObject({
      key: ['a', 'b'],
      change: { kind: 'function', file: 'f.ts' },
      limits: { transactionMs: 5, mostMs: 14_400_000, nice: 0.5, health: { keptWalBytes: 2 * 1024 ** 3, activeSessions: 3 } },
    });
  });

  it.each([
    ['table: t\nwhere: x', 'needs `set`, `statement` or `function`'],
    ['table: t\nwhere: x\nset: {a: 1}\nfunction: f.ts', 'more than one of'],
    ['table: t\nwhere: x\nset: {}', 'names no column'],
    ['table: t\nwhere: x\nstatement: UPDATE t SET a = 1', 'has no ${batch}'],
    ['table: t\nwhere: x\nfunction: ../f.ts', 'inside the project'],
    ['table: t\nset: {a: 1}', 'where'],
    ['table: t\nwhere: x\nset: {a: 1}\nlimit: {}', 'limits'],
    ['table: t\nwhere: x\nset: {a: 1}\nlimits: { kept-wal: 5 }', 'size'],
    ['table: t\nwhere: x\nset: {a: 1}\nlimits: { transaction: 0s }', 'longer than zero'],
    ['- a list', 'backfills/split.yaml'],
  ])('%j is refused with a place', async (text, words) => {
    await expect(load(text)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining(words) as string });
  });

  it('that is not there is named, with those that are', async () => {
    await load('table: t\nwhere: x\nset: { a: 1 }');
    await expect(loadBackfill(folder, 'splitt')).rejects.toMatchObject({
      code: 'config_missing',
      hint: 'There are split. Did you mean split?',
    });
    await expect(loadBackfill(folder, '../secrets')).rejects.toMatchObject({ code: 'usage' });
  });
});
