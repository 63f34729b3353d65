import { relative } from 'node:path';
import { openShadows, traceFiles, type DatabaseAccess, type SourceFile, type TracedFile } from '../../database/index.ts';
import { ERRORS, joinVerdicts, systemClock, systemIds } from '../../kernel/index.ts';
import { renderTrace } from '../output/trace.ts';
import { withApp } from './shared/app.ts';
import { namedDatabase } from './shared/database.ts';
import { fromMigration, migrationSources } from './shared/migration-files.ts';
import { flag, text, type Handler } from './spec.ts';

/** Runs migrations on a database made for it, and says what each statement really locked, rewrote and read. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const { path, format, files } = await migrationSources(call);
  const server = namedDatabase(call, 'server');
  const { postgres, traced } =
    server === null ? await withApp(call, async (app) => trace(await app.deps.ownServer(), files)) : await trace(server, files);
  const shown = fromMigration(traced, text(call, 'since'));
  const verdict = joinVerdicts(shown.map((file) => file.verdict));
  const document = { path: relative(call.directory, path) || '.', format, postgres, verdict, files: shown };
  if (terminal.json) terminal.data(document);
  else terminal.say(renderTrace(document, { all: flag(call, 'all'), style: terminal.style, width: terminal.width }));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

async function trace(
  server: DatabaseAccess,
  files: readonly SourceFile[],
): Promise<{ readonly postgres: number; readonly traced: readonly TracedFile[] }> {
  const shadows = await openShadows(server, systemIds.release(systemClock.now()));
  try {
    const traced = await traceFiles(await shadows.make('trace'), files, systemClock);
    return { postgres: Math.floor(shadows.serverVersion / 10_000), traced };
  } finally {
    await shadows.close(false);
  }
}
