import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { planMigrations, type MigrationPlan } from '../../database/index.ts';
import { ERRORS, messageOf, SlipwayError, type Verdict } from '../../kernel/index.ts';
import { renderMigrationPlan } from '../output/migration-plan.ts';
import { renderRunbook } from '../output/runbook.ts';
import { configOf, withApp } from './shared/app.ts';
import { declaredDatabase, migrationsFolder } from './shared/database.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Says of pending migrations where they belong, whether the old version may go on, what is lost. Changes nothing. */
export const run: Handler = async (call) => {
  const { terminal } = call;
  const plan = flag(call, 'offline') ? await offline(call) : await online(call);
  const verdict = verdictOf(plan);
  const file = text(call, 'runbook');
  if (file !== undefined) await save(resolve(file), renderRunbook(plan, (await configOf(call)).definition));
  if (terminal.json) terminal.data({ verdict, ...plan, runbook: file ?? null });
  else terminal.say(renderMigrationPlan(plan, verdict, terminal));
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

async function offline(call: Call): Promise<MigrationPlan> {
  const { definition } = await configOf(call);
  const folder = migrationsFolder(definition);
  return planMigrations(null, join(call.directory, folder), folder);
}

async function online(call: Call): Promise<MigrationPlan> {
  return withApp(call, async (app) => {
    const { access, definition } = await declaredDatabase(call, app);
    const folder = migrationsFolder(definition);
    return planMigrations(access, join(app.places.workspace, folder), folder);
  });
}

/** May these files be applied while the old version serves? Nothing to apply passes; nothing unknown does. */
function verdictOf({ files, drift, asked }: MigrationPlan): Verdict {
  const refused = files.some(({ losses }) => losses.some(({ kind, rows }) => kind === 'refused' && rows !== 0 && rows !== null));
  if (drift.length > 0 || refused || files.some(({ phase }) => phase === 'mixed')) return 'fail';
  const unclear = files.some(({ phase, losses }) => phase === 'unknown' || losses.some(({ rows }) => rows === null));
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
