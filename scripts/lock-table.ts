/**
 * Measures what statements lock, rewrite and scan, and writes src/database/core/lint/measured.ts. Runs on Slipway's own PostgreSQL, on
 * those of the system and on those in the folders given; what was measured on versions that are not here is kept.
 * Usage: node scripts/lock-table.ts [--check] [FOLDER_OF_PROGRAMS ...]; `--check` only compares.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { measureVersion, type Measured } from './lock-table/version.ts';
import { render, recorded, type Table } from './lock-table/render.ts';
import type { Version } from '../test/support/postgres.ts';

const FILE = path.resolve(import.meta.dirname, '../src/database/core/lint/measured.ts');
const SYSTEM = '/usr/lib/postgresql';

const checkOnly = process.argv.includes('--check');
const given = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const installed = existsSync(SYSTEM) ? readdirSync(SYSTEM).map((name) => path.join(SYSTEM, name, 'bin')) : [];
const folders = [...installed, ...given.map((folder) => path.resolve(folder))].filter((folder) =>
  existsSync(path.join(folder, 'postgres')),
);
const versions: readonly Version[] = ['embedded', ...folders.map((programs) => ({ programs }))];

const measured: Measured[] = [];
for (const version of versions) measured.push(await measureVersion(version));
for (const { major, statements } of measured) console.log(`PostgreSQL ${major}: ${statements.size} forms`);

const before: Table = recorded();
const text = render(before, measured);
if (!checkOnly) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error('src/database/core/lint/measured.ts is not what PostgreSQL does. Run `npm run lock-table` and look at what changed.');
  process.exitCode = 1;
}
