import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { loadDump, openShadows, traceFiles, type DatabaseAccess, type SourceFile, type TracedFile } from '../../database/index.ts';
import { ERRORS, joinVerdicts, SlipwayError, systemClock, systemIds } from '../../kernel/index.ts';
import { renderTrace } from '../output/trace.ts';
import { withApp } from './shared/app.ts';
import { namedDatabase } from './shared/database.ts';
import { fromMigration, migrationSources } from './shared/migration-files.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Runs migrations on a database made for it, and says what each statement really locked, rewrote and read. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const { path, format, files } = await migrationSources(call);
  const server = namedDatabase(call, 'server');
  const since = text(call, 'since');
  const base = await baseOf(call);
  // What a dump holds already must not run again; without one, what is reported stands on what ran before it.
  const wanted = base === null ? files : fromMigration(files, since);
  const onServer = async (access: DatabaseAccess) => trace(access, wanted, base);
  const { postgres, traced } =
    server === null ? await withApp(call, async (app) => onServer(await app.deps.ownServer())) : await onServer(server);
  const shown = base === null ? fromMigration(traced, since) : traced;
  const verdict = joinVerdicts(shown.map((file) => file.verdict));
  const document = { path: relative(call.directory, path) || '.', format, postgres, verdict, files: shown };
  if (terminal.json) terminal.data(document);
  else terminal.say(renderTrace(document, { all: flag(call, 'all'), style: terminal.style, width: terminal.width }));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

/** A schema to begin with. */
interface Base {
  readonly file: string;
  readonly sql: string;
}

async function baseOf(call: Call): Promise<Base | null> {
  const file = text(call, 'schema');
  if (file === undefined) return null;
  const sql = await readFile(resolve(call.directory, file), 'utf8').catch((cause: unknown) => {
    throw new SlipwayError('not_found', `--schema ${file}: the file cannot be read`, {
      cause,
      hint: 'Name a dump made by pg_dump --schema-only.',
    });
  });
  return { file, sql };
}

async function trace(
  server: DatabaseAccess,
  files: readonly SourceFile[],
  base: Base | null,
): Promise<{ readonly postgres: number; readonly traced: readonly TracedFile[] }> {
  const shadows = await openShadows(server, systemIds.release(systemClock.now()));
  try {
    const shadow = await shadows.make('trace');
    await shadows.allow(shadow, files.map(({ text: sql }) => sql).join('\n'));
    if (base !== null) await load(shadow, base);
    const traced = await traceFiles(shadow, files, systemClock);
    return { postgres: Math.floor(shadows.serverVersion / 10_000), traced };
  } finally {
    await shadows.close(false);
  }
}

async function load(shadow: DatabaseAccess, { file, sql }: Base): Promise<void> {
  const { refused } = await loadDump(shadow, sql, file);
  if (refused === null) return;
  throw new SlipwayError('gate_blocked', `--schema ${file}:${refused.line}: ${refused.message}`, {
    hint: 'Correct the dump, or give a --server that has what it needs.',
  });
}
