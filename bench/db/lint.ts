import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FORMS } from '../../scripts/lock-table/forms.ts';
import type { BenchResult } from '../result.ts';
import { median, spread, timed } from '../stats.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Real histories, beside the repository and not part of it. */
const CORPUS = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));
const HISTORIES: Readonly<Record<string, number>> = {
  'concourse/atc/db/migration/migrations': 149,
  'hatchet/cmd/hatchet-migrate/migrate/migrations': 224,
  'langfuse/packages/shared/prisma/migrations': 434,
};
const ROUNDS = 7;
const FILES = 1_500;
/** Of one file, in one transaction: time must grow with their number, not with its square. */
const STATEMENTS = 6_000;
const TARGET_MS = 1_000;
const TARGET_ONE_MS = 400;

/** `slipway db lint` from start to exit: one file, 1,500 made ones, real histories. Loading Node and the parser is part of it. */
export async function benchLint(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    const made = await make(join(folder, 'made'));
    const rows = [await row('one file', join(made, '0001_a.sql'), 1), await row(`${FILES} made files`, made, FILES)];
    for (const [name, files] of Object.entries(HISTORIES))
      if (existsSync(join(CORPUS, name))) rows.push(await row(name.split('/')[0] ?? name, join(CORPUS, name), files));
    rows.push(await row(`one file of ${STATEMENTS} statements`, await makeLong(join(folder, 'long')), 1));
    const all = rows[1]?.figures['ms'] ?? Number.NaN;
    const one = rows[0]?.figures['ms'] ?? Number.NaN;
    return {
      name: 'lint',
      unit: 'ms from start to exit',
      rows,
      notes: [
        `${ROUNDS} rounds; made files hold one to four of the measured statement forms each`,
        `target: ${FILES} files in at most ${TARGET_MS} ms: ${all <= TARGET_MS ? 'met' : 'MISSED'}; one file in at most ${TARGET_ONE_MS} ms: ${one <= TARGET_ONE_MS ? 'met' : 'MISSED'}`,
        ...(existsSync(CORPUS) ? [] : ['real histories: ../shared/corpus is not there']),
      ],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function make(folder: string): Promise<string> {
  await mkdir(folder);
  const statements = Object.values(FORMS).map(({ sql }) => sql);
  for (let index = 1; index <= FILES; index += 1) {
    const some = Array.from({ length: 1 + (index % 4) }, (_, offset) => statements[(index * 7 + offset) % statements.length] ?? '');
    await writeFile(join(folder, `${String(index).padStart(4, '0')}_a.sql`), `-- file ${index}\n${some.join(';\n')};\n`);
  }
  return folder;
}

/** Rows that are put in while a lock is held: each is judged beside everything before it. */
async function makeLong(folder: string): Promise<string> {
  await mkdir(folder);
  const rows = Array.from({ length: STATEMENTS }, (_, index) => `INSERT INTO t${index % 7} VALUES (${index}, 'x');\n`);
  await writeFile(join(folder, '0001_a.sql'), `ALTER TABLE z ADD COLUMN q int;\n${rows.join('')}`);
  return folder;
}

async function row(subject: string, path: string, files: number): Promise<BenchResult['rows'][number]> {
  const samples: number[] = [];
  for (let round = -1; round < ROUNDS; round += 1) {
    const ms = await timed(() => lint(path));
    // The first round only fills the disk cache.
    if (round >= 0) samples.push(ms);
  }
  return {
    subject,
    figures: { ...spread(samples), files, [`ms per ${FILES} files`]: files === 1 ? null : (median(samples) / files) * FILES },
  };
}

async function lint(path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [MAIN, 'db', 'lint', path, '--json'], { maxBuffer: 256 * 1024 * 1024 }, (error) => {
      // Exit 6 says that something was found, which is what it is for.
      if (error === null || error.code === 6) resolve();
      else reject(new Error(`db lint ended with ${String(error.code)}`, { cause: error }));
    });
  });
}
