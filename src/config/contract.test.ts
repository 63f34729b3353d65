import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { USUAL_WINDOW_MS } from '../database/index.ts';
import { contractNames, loadContract } from './contract.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-contracts-'));
  mkdirSync(join(folder, 'contracts'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => {
  writeFileSync(join(folder, 'contracts', 'customer-name.yaml'), text);
  return loadContract(folder, 'customer-name');
};

describe('a declaration of what is contracted', () => {
  it('is small in the simple case', async () => {
    expect(await load('drops: customers.name\n')).toEqual({
      name: 'customer-name',
      drops: [{ kind: 'column', path: ['customers'], column: 'name', change: 'drop', told: 'customers.name' }],
      replacedBy: null,
      since: null,
      windowMs: USUAL_WINDOW_MS,
      because: null,
      backfill: null,
      mismatch: null,
      fallback: null,
      allow: [],
    });
    expect(await contractNames(folder)).toEqual(['customer-name']);
  });

  it('names things as SQL does, and may say all there is', async () => {
    const all = await load(`drops: [legacy, Billing."Customers"."full name", '"odd.name"']
since: 1.3.0
window: 1h
because: nothing reads it at night
mismatch: { table: customers, where: a IS DISTINCT FROM b, allow: 0.1% }
fallback: { from: instances }
allow: [{ client: "", because: "the pooler" }, { statement: SELECT 1, because: a report }]
`);
    expect(all.drops.map(({ kind, path, column }) => [kind, path, column])).toEqual([
      ['relation', ['legacy'], null],
      ['column', ['billing', 'Customers'], 'full name'],
      ['relation', ['odd.name'], null],
    ]);
    expect(all).toMatchObject({ windowMs: 3_600_000, because: 'nothing reads it at night', mismatch: { allow: 0.001, key: null } });
    expect(all.fallback).toEqual({ kind: 'instances', counter: 'read_fallback_total{shape="customer-name"}' });
    expect(all.allow.map(({ kind, name }) => [kind, name])).toEqual([
      ['client', ''],
      ['statement', 'SELECT 1'],
    ]);
  });

  it.each([
    ['', 'empty'],
    ['since: 1.3.0', 'drops'],
    ['drops: a b', 'is not table, table.column or schema.table.column'],
    ['drops: a.b.c.d', 'is not table, table.column or schema.table.column'],
    ['drops: t.c\nwindow: 1h', 'needs a reason'],
    ['drops: t.c\nsince_version: 1', 'since'],
    ['drops: t.c\nallow: [{ because: none of them }]', 'names one of `statement`, `client` and `dependant`'],
    ['drops: t.c\nallow: [{ client: a, statement: b, because: both }]', 'names one of'],
    ['drops: t.c\nallow: [{ client: a }]', 'because'],
    ['drops: t.c\nfallback: { from: prometheus }', 'needs `url`'],
    ['drops: t.c\nfallback: { from: instances, url: "http://127.0.0.1" }', 'mean nothing'],
    ['drops: t.c\nfallback: { from: instances, counter: "sum(x)" }', 'must be a metric name'],
    ['drops: t.c\nmismatch: { where: a }', 'table'],
  ])('is refused with the place: %j', async (text, words) => {
    await expect(load(text)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining(words) as string });
  });

  it('is refused by a name that is none, and named where there is one like it', async () => {
    await expect(loadContract(folder, '../secrets')).rejects.toMatchObject({ code: 'usage' });
    await load('drops: t.c\n');
    await expect(loadContract(folder, 'customer-nam')).rejects.toMatchObject({
      code: 'config_missing',
      hint: expect.stringContaining('Did you mean customer-name?') as string,
    });
  });
});
