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
  const answer = server === null ? await withApp(call, async (app) => check(call, await app.deps.ownServer())) : await check(call, server);
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

async function check(call: Call, server: DatabaseAccess): Promise<Answer> {
  const real = namedDatabase(call, 'url');
  const sources = real === null ? await migrationSources(call) : null;
  const named = await namedFiles(call);
  const surfaces = await surfacesOn(server, { root: call.directory, named, sources: real ?? sources?.files ?? [] });
  if (sources === null) return { against: `the database ${real?.name ?? ''}`, surfaces };
  return { against: `${sources.files.length} migrations of ${relative(call.directory, sources.path) || '.'}`, surfaces };
}

async function namedFiles(call: Call): Promise<readonly string[] | null> {
  const given = many(call, 'file');
  if (given.length > 0) return given;
  if (call.args[0] !== undefined) return null;
  return (await configOf(call)).definition.database?.surfaces?.files ?? null;
}
