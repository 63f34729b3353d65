import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { databaseWorld } from './database-world.ts';

const { folder, query, slipway, json } = databaseWorld();

interface EvidenceCheck {
  readonly file: string;
  readonly verdict: string;
  readonly runs: readonly { readonly verdict: string; readonly agrees: boolean }[];
}

describe('slipway db backfill', () => {
  beforeEach(async () => {
    await query('CREATE TABLE people (id int PRIMARY KEY, name text, first_name text)');
    await query(`INSERT INTO people SELECT n, 'Ann Other' FROM generate_series(1, 2000) n`);
    writeFileSync(
      join(folder, 'backfills', 'split.yaml'),
      `table: people\nwhere: first_name IS NULL\nset: { first_name: "split_part(name, ' ', 1)" }\n`,
    );
  });

  it('forecasts, changes, proves and keeps a record', async () => {
    const dry = await json('db', 'backfill', 'split', '--dry-run');
    expect(dry).toMatchObject({ exit: 0, data: { forecast: { left: 2000, counted: true, tried: 500, waits: null } } });
    expect(await query('SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
    const { exit, data } = await json('db', 'backfill', 'split');
    expect({ exit, data }).toMatchObject({ exit: 0, data: { verdict: 'pass', changed: 2000, wrong: 0 } });
    const lines = readFileSync((data['evidence'] as { readonly file: string }).file, 'utf8')
      .trim()
      .split('\n');
    const batches = lines.map((line) => JSON.parse(line) as { readonly changed: number; readonly kind: string });
    expect(batches.filter(({ kind }) => kind === 'batch').reduce((sum, { changed }) => sum + changed, 0)).toBe(2000);
    expect(batches.at(-1)).toMatchObject({ kind: 'end', sha256: (data['evidence'] as { readonly sha256: string }).sha256 });
    expect((await slipway('db', 'backfill', 'split', '--status')).out).toMatch(/done: no row is wrong/);
  });

  it('ends with a summary and sealed evidence where its verification does not run', async () => {
    const file = join(folder, 'backfills', 'split.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\nverify: SELECT 1 / (count(first_name) - 2000) FROM people\n`);
    const { exit, out } = await slipway('db', 'backfill', 'split');
    expect(exit).toBe(6);
    expect(out).toMatch(/FAIL split: `verify` of the backfill split does not run: division by zero/);
    expect(out).toMatch(/changed +2,000 rows/);
    expect((await slipway('db', 'backfill', 'split', '--evidence')).exit).toBe(0);
  });

  it('seals its evidence so that half a line, or a changed one, shows', async () => {
    const file = async (): Promise<string> => ((await json('db', 'backfill', 'split')).data['evidence'] as { readonly file: string }).file;
    const kept = await file();
    expect(await json('db', 'backfill', 'split', '--evidence')).toMatchObject({ exit: 0, data: { evidence: { verdict: 'pass' } } });
    appendFileSync(kept, '{"at":"2026-01-01T00:00:00.000Z","kind":"ba');
    expect(await slipway('db', 'backfill', 'split', '--evidence')).toMatchObject({
      exit: 6,
      out: expect.stringContaining('cut off') as string,
    });
    await file();
    const again = await json('db', 'backfill', 'split', '--evidence');
    expect(again).toMatchObject({
      exit: 0,
      data: { evidence: { verdict: 'pass', reason: expect.stringMatching(/^\d+ lines agree with the digests of \d runs$/) as string } },
    });
    const text = readFileSync(kept, 'utf8');
    expect(text).toContain(String.raw`"kind":"cut","text":"{\"at\":`);
    const sha256 = createHash('sha256')
      .update(text.slice(0, text.trimEnd().lastIndexOf('\n') + 1))
      .digest('hex');
    expect(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ kind: 'end', sha256 });
    writeFileSync(
      kept,
      text.replace(/"changed":(\d+)/, (_all, rows) => `"changed":${Number(rows) + 1}`),
    );
    expect(await slipway('db', 'backfill', 'split', '--evidence')).toMatchObject({
      exit: 14,
      out: expect.stringContaining('were changed') as string,
    });
  });

  it('seals its evidence when it ends by an error, and says of what a killed run wrote that its end is unknown', async () => {
    const declaration = join(folder, 'backfills', 'cut.yaml');
    const text = readFileSync(join(folder, 'backfills', 'split.yaml'), 'utf8');
    writeFileSync(declaration, 'table: people\nwhere: first_name IS NULL\nfunction: cut.mjs\n');
    writeFileSync(
      join(folder, 'backfills', 'cut.mjs'),
      `export default (rows) => rows.map(({ id }) => (id > 100 ? { nowhere: 1 } : { first_name: 'Ann' }));\n`,
    );
    expect(await slipway('db', 'backfill', 'cut')).toMatchObject({ exit: 2, err: expect.stringContaining('a column nowhere') as string });
    expect(await query('SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 100 }]);
    const check = async () => (await json('db', 'backfill', 'cut', '--evidence')).data['evidence'] as EvidenceCheck;
    const { runs: failed, verdict, file } = await check();
    expect(verdict).toBe('pass');
    expect(failed.at(-1)).toMatchObject({ verdict: 'unknown', agrees: true });
    expect(readFileSync(file, 'utf8')).toContain('"kind":"end","verdict":"unknown","reason":"The function answers a column nowhere');

    appendFileSync(file, '{"at":"2026-01-01T00:00:00.000Z","kind":"batch","changed":7}\n');
    expect(await check()).toMatchObject({ verdict: 'unknown' });
    writeFileSync(declaration, text);
    expect((await slipway('db', 'backfill', 'cut', '--restart')).exit).toBe(0);
    const { runs, ...now } = await check();
    expect(now.verdict).toBe('pass');
    expect(runs.slice(failed.length).map((run) => [run.verdict, run.agrees])).toEqual([
      ['unknown', true],
      ['pass', true],
    ]);
  });

  it('keeps apart what it did in each environment, and says in which database it was', async () => {
    const { file } = (await json('db', 'backfill', 'split')).data['evidence'] as { readonly file: string };
    expect(file).toMatch(/backfills\/dev\/split\.jsonl$/);
    const starts = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"kind":"start"'));
    const [{ name = '' } = {}] = await query('SELECT current_database() AS name');
    expect(JSON.parse(starts.at(-1) ?? '')).toMatchObject({
      environment: 'dev',
      database: name,
      table: 'people',
      where: 'first_name IS NULL',
    });
  });

  it('sets refused rows aside with exit code 6, and tries them again when told to', async () => {
    await query(`ALTER TABLE people ADD CONSTRAINT no_ann CHECK (id <> 7 OR first_name IS NULL)`);
    expect(await slipway('db', 'backfill', 'split')).toMatchObject({ exit: 6, out: expect.stringContaining('1 rows are left') as string });
    await query('ALTER TABLE people DROP CONSTRAINT no_ann');
    expect(await json('db', 'backfill', 'split', '--retry')).toMatchObject({ exit: 0, data: { verdict: 'pass', changed: 2000 } });
  });

  it('says what cannot be: no such file, never ran, SQL that is none', async () => {
    expect(await slipway('db', 'backfill', 'splitt')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('Did you mean split?') as string,
    });
    expect((await slipway('db', 'backfill', 'split', '--pause')).exit).toBe(3);
    const wrong = [
      ['true) OR (true', '1'],
      ['first_name IS NULL LIMIT 1', '1'],
      ['first_name IS NULL', '1; DROP TABLE people'],
      ['first_name IS NULL', 'now() -- ('],
    ];
    for (const [where = '', set = ''] of wrong) {
      const text = `table: people\nwhere: ${where}\nset: { first_name: "${set}" }\n`;
      writeFileSync(join(folder, 'backfills', 'split.yaml'), text);
      const words = expect.stringContaining('is not what can stand there') as string;
      expect(await slipway('db', 'backfill', 'split'), text).toMatchObject({ exit: 2, err: words });
    }
    expect(await query('SELECT count(first_name)::int AS n FROM people')).toEqual([{ n: 0 }]);
  });
});
