import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { openAccess, readSources, traceFiles, type SourceFile } from '../../src/database/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import type { BenchResult, BenchRow } from '../result.ts';
import { median } from '../stats.ts';

/** Real histories, beside the repository and not part of it. */
const CORPUS = fileURLToPath(new URL('../../../shared/corpus/', import.meta.url));
const HISTORIES: Readonly<Record<string, string>> = {
  concourse: 'concourse/atc/db/migration/migrations',
  hatchet: 'hatchet/cmd/hatchet-migrate/migrate/migrations',
  langfuse: 'langfuse/packages/shared/prisma/migrations',
};
const ROUNDS = 3;
const MADE = 200;
const TARGET_MS = 50;

/** `db trace` without the start of its server: what a migration takes, made ones and real histories. */
export async function benchTrace(): Promise<BenchResult> {
  const server = await startPostgres();
  try {
    const rows: BenchRow[] = [await row(server, `${MADE} made files`, madeFiles())];
    for (const [name, folder] of Object.entries(HISTORIES))
      if (existsSync(join(CORPUS, folder)))
        rows.push(await row(server, name, (await readSources(join(CORPUS, folder), null, new Map())).files));
    const worst = Math.max(...rows.map(({ figures }) => figures['ms each'] ?? Number.NaN));
    return {
      name: 'trace',
      unit: 'ms for a migration',
      rows,
      notes: [
        `${ROUNDS} rounds, medians; a database on a socket that syncs nothing, each history from the beginning to where it runs on it`,
        `target: at most ${TARGET_MS} ms for a migration: ${worst <= TARGET_MS ? 'met' : 'MISSED'}`,
        ...(existsSync(CORPUS) ? [] : ['real histories: ../shared/corpus is not there']),
      ],
    };
  } finally {
    await server.stop();
  }
}

let databases = 0;

async function row(server: TestPostgres, subject: string, files: readonly SourceFile[]): Promise<BenchRow> {
  const rounds: { readonly each: number; readonly half: number; readonly most: number; readonly ran: number }[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const shadow = openAccess(await server.create(`trace${(databases += 1)}`));
    const since = systemClock.monotonic();
    const traced = await traceFiles(shadow, files, systemClock);
    const tookMs = systemClock.monotonic() - since;
    const times = traced.map((one) => one.tookMs);
    rounds.push({
      each: tookMs / traced.length,
      half: median(times),
      most: Math.max(...times),
      ran: traced.filter(({ ran }) => ran).length,
    });
  }
  const of = (read: (round: (typeof rounds)[number]) => number): number => median(rounds.map(read));
  return {
    subject,
    figures: {
      'ms each': of(({ each }) => each),
      p50: of(({ half }) => half),
      most: of(({ most }) => most),
      ran: of(({ ran }) => ran),
      files: files.filter(({ direction }) => direction === 'up').length,
    },
  };
}

/** A table, columns, an index and a constraint in turn: what most migrations are. */
function madeFiles(): readonly SourceFile[] {
  return Array.from({ length: MADE }, (_, index) => {
    const table = `t${index - (index % 4)}`;
    const text = [
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, name text);`,
      `ALTER TABLE ${table} ADD COLUMN note text, ADD COLUMN at timestamptz NOT NULL DEFAULT now();`,
      `CREATE INDEX CONCURRENTLY i${index} ON ${table} (name);`,
      `ALTER TABLE ${table} ADD CONSTRAINT c${index} CHECK (id > 0) NOT VALID;\nUPDATE ${table} SET note = name WHERE note IS NULL;`,
    ][index % 4];
    return { name: `${index}.sql`, text: text ?? '', direction: 'up', transactions: 'auto', gaps: [] };
  });
}
