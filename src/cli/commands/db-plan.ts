import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { planMigrations, readSources, type MigrationPlan, type SurfaceAnswer } from '../../database/index.ts';
import { ERRORS, joinVerdicts, messageOf, SlipwayError, type Verdict } from '../../kernel/index.ts';
import { renderMigrationPlan } from '../output/migration-plan.ts';
import { renderRunbook } from '../output/runbook.ts';
import { renderSurface } from '../output/surfaces.ts';
import type { Terminal } from '../output/terminal.ts';
import { configOf, withConfig } from './shared/app.ts';
import { declaredDatabase, migrationsFolder } from './shared/database.ts';
import { notAsked, surfacesOn } from './shared/surfaces.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Says of pending migrations where they belong, whether the old version may go on, what is lost. Changes nothing. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const { plan, surfaces } = flag(call, 'offline') ? { plan: await offline(call), surfaces: null } : await online(call);
  const verdict = joinVerdicts([verdictOf(plan), ...(surfaces?.required === true ? surfaces.answers.map((one) => one.verdict) : [])]);
  const file = text(call, 'runbook');
  if (file !== undefined) await save(resolve(file), renderRunbook(plan, verdict, (await configOf(call)).definition));
  if (terminal.json) terminal.data({ verdict, ...plan, surfaces: surfaces?.answers ?? null, runbook: file ?? null });
  else terminal.say([renderMigrationPlan(plan, verdict, terminal), ...renderedSurfaces(surfaces, terminal)].join('\n'));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

async function offline(call: Call): Promise<MigrationPlan> {
  const { definition } = await configOf(call);
  return planMigrations(null, migrationsFolder(definition, call.directory));
}

interface Planned {
  readonly plan: MigrationPlan;
  /** Null where slipway.yaml names none. */
  readonly surfaces: { readonly answers: readonly SurfaceAnswer[]; readonly required: boolean } | null;
}

async function online(call: Call): Promise<Planned> {
  return withConfig(call, async (app, { definition }) => {
    const { access, database } = await declaredDatabase(app, definition);
    const root = app.places.workspace;
    const folder = migrationsFolder(definition, root);
    const plan = await planMigrations(access, folder);
    if (database.surfaces === undefined) return { plan, surfaces: null };
    const { files, required } = database.surfaces;
    const sources = await readSources(folder.directory, null, new Map());
    const answers = await surfacesOn(await app.deps.ownServer(), { root, named: files, sources: sources.files }).catch((error: unknown) =>
      notAsked(files, error),
    );
    return { plan, surfaces: { answers, required } };
  });
}

function renderedSurfaces(surfaces: Planned['surfaces'], { style, width }: Terminal): readonly string[] {
  if (surfaces === null) return [];
  return ['', style.bold('files that follow the schema'), ...surfaces.answers.map((one) => renderSurface(one, style, width))];
}

/** May these files be applied while the old version serves? Nothing to apply passes; nothing unknown does. */
function verdictOf({ files, drift, asked }: MigrationPlan): Verdict {
  const refused = files.some(
    ({ losses, refusals }) => refusals.length > 0 || losses.some(({ kind, rows }) => kind === 'refused' && rows !== 0 && rows !== null),
  );
  if (drift.length > 0 || refused || files.some(({ phase }) => phase === 'mixed')) return 'fail';
  const unclear = files.some(
    ({ phase, losses, notLookedAt }) => phase === 'unknown' || notLookedAt !== null || losses.some(({ rows }) => rows === null),
  );
  return unclear || !asked ? 'unknown' : 'pass';
}

async function save(file: string, runbook: string): Promise<void> {
  await writeFile(file, runbook).catch((error: unknown) => {
    throw new SlipwayError('usage', `--runbook: ${file} cannot be written: ${messageOf(error)}`, {
      cause: error,
      hint: 'Name a file in a folder that exists.',
    });
  });
}
