import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databaseWorld } from './database-world.ts';

const { folder, migration, slipway } = databaseWorld();

describe('where database.migrate is a command', () => {
  const file = join(folder, 'slipway.yaml');
  let before: string;
  beforeAll(() => {
    before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('migrations: migrations', 'migrate: npx prisma migrate deploy'));
  });
  afterAll(() => writeFileSync(file, before));

  it.each([['apply'], ['apply', '--dry-run'], ['plan'], ['plan', '--offline'], ['contract'], ['prove']])(
    'slipway db %s says that a release runs it, and what to write for a folder to be read',
    async (...args) => {
      migration('1_a.sql', 'CREATE TABLE a (id int)');
      const { exit, err } = await slipway('db', ...args);
      const said = err.replaceAll(/\s+/g, ' ');
      expect(exit).toBe(2);
      expect(said).toContain('the command of database.migrate migrates (npx prisma migrate deploy)');
      expect(said).toContain('A release runs that command itself');
      expect(said).toContain('`database.migrations: FOLDER` in its place');
    },
  );
});
