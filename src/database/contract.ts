import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBackup, discardBackup, type BackupRequest } from './create-backup.ts';
import { withHold } from './hold.ts';
import { readManifest } from './manifest.ts';
import { measureDatabase } from './measure.ts';
import type { BackupManifest, BackupMethod, DatabaseAccess, DatabaseEffects, Hold } from './ports.ts';
import { verifyBackup } from './verify.ts';

/** What the suite needs from a test file that runs it. */
export interface BackupWorld {
  readonly method: BackupMethod;
  readonly access: DatabaseAccess;
  readonly effects: DatabaseEffects;
  /** A new folder path; whether it exists already does not matter. */
  readonly folder: (name: string) => string;
  /** Runs SQL in a database of the server. */
  readonly query: (database: string, sql: string) => Promise<readonly Record<string, unknown>[]>;
}

/** Takes the world's backup, as a release would. */
export function take({ access, method, effects, folder }: BackupWorld, more: Partial<BackupRequest> = {}): Promise<BackupManifest> {
  return createBackup({ access, method, key: 'k', directory: folder('b'), fence: 1, effects, ...more });
}

/** Removes it again. */
export function discard({ access, method, effects, folder }: BackupWorld, manifest: BackupManifest): Promise<void> {
  return discardBackup({ access, method, key: 'k', directory: folder('b'), fence: 1, effects, manifest });
}

/** For what a method does only in the middle of other work. */
export function underHold<T>({ access, effects, folder }: BackupWorld, work: (hold: Hold) => Promise<T>): Promise<T> {
  return withHold({ access, purpose: 'backup', key: 'k', fence: 1, directory: folder('b'), clock: effects.clock }, work);
}

/**
 * The rules every backup method keeps. `open` is called once per test, the database is filled by the suite.
 * Run it inside a `describe`.
 */
export function backupContract(open: () => Promise<BackupWorld>): void {
  const filled = async (): Promise<BackupWorld> => {
    const world = await open();
    await world.query(
      world.access.name,
      `CREATE TABLE parent (id int PRIMARY KEY, s varchar(10) CHECK (s IN ('a', 'b')) DEFAULT 'a');
       CREATE TABLE child (extra text) INHERITS (parent);
       CREATE TABLE "Odd ""Name" (id bigint GENERATED ALWAYS AS IDENTITY, p int REFERENCES parent, t timestamptz DEFAULT now());
       CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
       CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE SEQUENCE numbers INCREMENT 5;
       CREATE VIEW few AS SELECT id, upper(s) AS loud FROM parent WHERE s IN ('a', 'b'); CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM parent;
       CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
       CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE RETURN n * 2;
       CREATE TRIGGER touched BEFORE UPDATE ON parent FOR EACH ROW EXECUTE FUNCTION touch();
       CREATE POLICY everybody ON child FOR SELECT USING (id > 0);
       CREATE INDEX ON parent (lower(s)) WHERE s IN ('a', 'b');
       INSERT INTO parent SELECT n, 'b' FROM generate_series(1, 250) n; INSERT INTO child VALUES (1000, 'a', 'x');
       INSERT INTO "Odd ""Name" (p) SELECT 1 FROM generate_series(1, 7); INSERT INTO parts VALUES (5), (6)`,
    );
    return world;
  };
  const LOSSES = [
    'DROP VIEW few',
    'DROP MATERIALIZED VIEW counted',
    'DROP TRIGGER touched ON parent',
    'ALTER FUNCTION twice(int) VOLATILE',
    'DROP FUNCTION twice(int)',
    'CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
    'DROP POLICY everybody ON child',
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
    'DROP SEQUENCE numbers',
    'DROP EXTENSION plpgsql CASCADE',
    'DROP INDEX parent_lower_idx',
  ];
  const ROWS = { 'public.Odd "Name': 7, 'public.child': 1, 'public.parent': 250, 'public.parts_1': 2 };

  test('is available, counts exactly, and its manifest is what was answered', async () => {
    const world = await filled();
    const { method, access, folder } = world;
    expect(await method.available(access)).toEqual({ ok: true });
    const manifest = await take(world);
    expect(manifest.rows).toEqual(ROWS);
    expect(manifest).toMatchObject({ schema: 'slipway.backup/2', key: 'k', method: method.name, database: access.name });
    expect(manifest.bytes).toBeGreaterThan(0);
    expect(await readManifest(folder('b'))).toEqual(manifest);
    await discard(world, manifest);
  });

  test('brings every row and the schema back under another name, twice over', async () => {
    const world = await filled();
    const { method, folder } = world;
    const manifest = await take(world);
    for (const _again of [1, 2]) {
      const found = await underHold(world, async (hold) => {
        await method.materialise(hold, manifest, folder('b'), 'brought_back');
        return measureDatabase(hold, 'brought_back');
      });
      expect(found).toEqual({ rows: ROWS, schemaDigest: manifest.schemaDigest });
    }
    await discard(world, manifest);
  });

  test('holds what was there when it was taken, not later', async () => {
    const world = await filled();
    const { method, access, folder, query, effects } = world;
    const manifest = await take(world);
    await query(access.name, 'DELETE FROM parent WHERE id > 100; ALTER TABLE parent ADD COLUMN later int');
    expect(await verifyBackup({ access, manifest, method, directory: folder('b'), effects, fence: 1 })).toMatchObject({
      verdict: 'pass',
      compared: { tables: 4, rows: 260 },
    });
    expect(await query('postgres', `SELECT datname FROM pg_database WHERE datname LIKE '%verify%'`)).toEqual([]);
    await discard(world, manifest);
  });

  test('a manifest that says something else fails verification', async () => {
    const world = await filled();
    const { method, access, folder, effects } = world;
    const manifest = await take(world);
    const verify = (changes: object): ReturnType<typeof verifyBackup> =>
      verifyBackup({ access, manifest: { ...manifest, ...changes }, method, directory: folder('b'), effects, fence: 1 });
    const rows = await verify({ rows: { ...manifest.rows, 'public.parent': 249 } });
    expect(rows).toMatchObject({ verdict: 'fail' });
    expect(rows.reason).toContain('public.parent should have 249 rows and has 250 rows');
    expect(await verify({ schemaDigest: '0'.repeat(64) })).toMatchObject({ verdict: 'fail' });
    await discard(world, manifest);
  });

  test('nothing of the schema can be missing unseen', async () => {
    const world = await filled();
    const { method, folder, query } = world;
    const manifest = await take(world);
    const seen = new Set([manifest.schemaDigest]);
    await underHold(world, async (hold) => {
      await method.materialise(hold, manifest, folder('b'), 'brought_back');
      for (const [index, change] of LOSSES.entries()) {
        await query('brought_back', change);
        seen.add((await measureDatabase(hold, 'brought_back')).schemaDigest);
        expect(seen.size, change).toBe(index + 2);
      }
    });
    await discard(world, manifest);
  });

  test('what a backup of an earlier build says of the schema is compared as that build did', async () => {
    const world = await filled();
    const { method, access, folder, effects } = world;
    const manifest = await take(world);
    const { schemaDigest } = await underHold(world, (hold) => measureDatabase(hold, access.name, 'slipway.backup/1'));
    const older: BackupManifest = { ...manifest, schema: 'slipway.backup/1', schemaDigest };
    expect(schemaDigest).not.toBe(manifest.schemaDigest);
    expect(await verifyBackup({ access, manifest: older, method, directory: folder('b'), effects, fence: 1 })).toMatchObject({
      verdict: 'pass',
    });
    await discard(world, manifest);
  });

  test('the same key answers the same backup; a half-written one is replaced', async () => {
    const world = await filled();
    const { folder, query } = world;
    const first = await take(world);
    expect(await take(world)).toEqual(first);
    await rm(join(folder('b'), 'manifest.json'));
    await writeFile(join(folder('b'), 'rubbish'), 'x');
    await query(world.access.name, 'DELETE FROM parts');
    const second = await take(world);
    expect(second.rows['public.parts_1']).toBe(0);
    expect(second.files.map((file) => file.name)).not.toContain('rubbish');
    await discard(world, second);
  });

  test('discarding twice is fine', async () => {
    const world = await filled();
    const manifest = await take(world);
    await discard(world, manifest);
    await expect(discard(world, manifest)).resolves.toBeUndefined();
  });
}
