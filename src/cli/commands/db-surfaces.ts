import { relative } from 'node:path';
import type { DatabaseAccess, SurfaceAnswer } from '../../database/index.ts';
import { ERRORS, joinVerdicts } from '../../kernel/index.ts';
import { renderSurfaces } from '../output/surfaces.ts';
import { configOf, withApp } from './shared/app.ts';
import { namedDatabase } from './shared/database.ts';
import { migrationSources } from './shared/migration-files.ts';
import { surfacesOn } from './shared/surfaces.ts';
import { many, type Call, type Handler } from './spec.ts';

/** Says which files that follow the schema are out of step with what the migrations make. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const server = namedDatabase(call, 'server');
  const check = await checkOf(call);
  const answer = server === null ? await withApp(call, async (app) => check(await app.deps.ownServer())) : await check(server);
  // Nothing to be out of step is no finding.
  const verdict = answer.surfaces.length === 0 ? 'pass' : joinVerdicts(answer.surfaces.map((one) => one.verdict));
  const document = { verdict, ...answer };
  if (terminal.json) terminal.data(document);
  else terminal.say(renderSurfaces(document, terminal));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

interface Answer {
  /** What they were compared with, in words. */
  readonly against: string;
  readonly surfaces: readonly SurfaceAnswer[];
}

/** Reads what is to be compared, before a store is opened for it. */
async function checkOf(call: Call): Promise<(server: DatabaseAccess) => Promise<Answer>> {
  const real = namedDatabase(call, 'url');
  const sources = real === null ? await migrationSources(call) : null;
  const named = await namedFiles(call);
  const against =
    sources === null
      ? `the database ${real?.name ?? ''}`
      : `${sources.files.length} migrations of ${relative(call.directory, sources.path) || '.'}`;
  const question = { root: call.directory, named, sources: real ?? sources?.files ?? [] };
  return async (server) => ({ against, surfaces: await surfacesOn(server, question) });
}

async function namedFiles(call: Call): Promise<readonly string[] | null> {
  const given = many(call, 'file');
  if (given.length > 0) return given;
  if (call.args[0] !== undefined) return null;
  return (await configOf(call)).definition.database?.surfaces?.files ?? null;
}
