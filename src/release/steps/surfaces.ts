import { join } from 'node:path';
import { checkSurfaces, migratedShadow, openShadows, readSources, type SurfaceAnswer } from '../../database/index.ts';
import { joinVerdicts, SlipwayError } from '../../kernel/index.ts';
import { mayPass } from '../may-pass.ts';
import type { StepContext, StepExecutor, StepOutcome } from '../ports.ts';
import { builtSource } from './command.ts';
import type { StepDeps } from './deps.ts';

/** Asks of the built source whether the files that follow the schema are in step with its migrations. */
export function surfacesStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { database } = context.plan.definition;
    const required = database?.surfaces?.required ?? true;
    const answers = await ask(deps, context);
    for (const { file, verdict, reason } of answers) context.note(`${file}: ${verdict}: ${reason}`);
    return outcomeOfSurfaces(answers, required);
  };
}

async function ask(deps: StepDeps, context: StepContext): Promise<readonly SurfaceAnswer[]> {
  const { effects, plan } = context;
  const { database } = plan.definition;
  if (database === null || database.migrations === null || database.surfaces === undefined)
    throw new Error('There are no surfaces to ask for');
  const root = builtSource(deps, context);
  const { files } = await readSources(join(root, database.migrations), null, new Map());
  const shadows = await openShadows(await deps.ownServer(), effects.ids.release(effects.clock.now()));
  try {
    const schema = await migratedShadow(shadows, 'schema', files, effects.clock);
    return await checkSurfaces({ root, named: database.surfaces.files, schema, empty: (name) => shadows.make(name) });
  } catch (error) {
    // What cannot be found out must not stop a release that does not ask for it; what became of it is told.
    if (!(error instanceof SlipwayError) || (mayPass(error) && database.surfaces.required)) throw error;
    return database.surfaces.files.map((file) => ({ file, kind: null, verdict: 'unknown', reason: error.message, differences: [] }));
  } finally {
    await shadows.close(false);
  }
}

/** Where it is not required, what is out of step is only told. */
export function outcomeOfSurfaces(answers: readonly SurfaceAnswer[], required: boolean): StepOutcome {
  const bad = answers.filter(({ verdict }) => verdict !== 'pass');
  const [first] = bad;
  const facts = { surfaces: answers.map(({ file, kind, verdict, reason }) => ({ file, kind, verdict, reason })) };
  const reason =
    first === undefined
      ? `${answers.length} files are in step with the schema`
      : `${bad.length} of ${answers.length} files are not in step; ${first.file}: ${first.reason}`;
  if (!required) return { verdict: 'pass', reason: first === undefined ? reason : `${reason} (not required)`, facts };
  const checks = answers.map(({ file, verdict, reason: why }) => ({
    name: file,
    verdict,
    reason: why,
    ...(verdict === 'pass' ? {} : { fix: 'Generate it again; slipway db surfaces shows all differences.' }),
  }));
  return { verdict: joinVerdicts(answers.map(({ verdict }) => verdict)), reason, checks, facts };
}
