import { some } from '../../database/index.ts';
import { SlipwayError, type Check } from '../../kernel/index.ts';
import { isInCommit } from '../artifact/git.ts';
import { withSource } from '../artifact/source.ts';
import { backfillAnswer } from '../contract/database-checks.ts';
import { contractGate, watchContracts } from '../contract/gate.ts';
import type { ContractReport, ContractRequest } from '../contract/ports.ts';
import type { Plan } from '../core/plan.ts';
import type { StepDeps } from '../steps/deps.ts';
import { fail, pass, unknown, type Answer } from './answers.ts';
import type { PreflightCheck } from './preflight.ts';

const SAMPLE_ROWS = 20_000;

/**
 * Nobody needs any more what the pending migrations take away. A strategy that stops the old version first has its backup to go back
 * to, so there it only advises, unless somebody declared the contraction.
 */
export const checkContract: PreflightCheck = async (deps, plan) => {
  if (migratesByProgram(plan))
    return {
      ...unknown('a program migrates (`database.migrate`), and nobody can read what it takes away', 'See `slipway db contract`.'),
      blocks: false,
    };
  if (!migratesFiles(plan)) return watchOnly(deps, plan);
  if (!(await deps.databaseExists(plan.definition))) return pass('the database is new');
  const { contracts } = await withRequest(deps, plan, (request) => contractGate(deps, { ...request, only: 'due' }));
  return contracts.length === 0 ? pass('no pending migration contracts anything') : answerOf(contracts, plan);
};

/** A release that contracts nothing looks at what is declared all the same, so that a call is dated better; that stands in nobody's way. */
async function watchOnly(deps: StepDeps, plan: Plan): Promise<Answer> {
  const nothing = pass('no migration is pending');
  const { workspace, gitSha, definition, kind } = plan;
  if (kind === 'rollback' || definition.database === null || definition.database.migrations === null) return nothing;
  if (gitSha !== null && !(await isInCommit(workspace, gitSha, 'contracts'))) return nothing;
  try {
    if (!(await deps.databaseExists(definition))) return nothing;
    const watched = await withRequest(deps, plan, (request) => watchContracts(deps, { ...request, only: 'all' }));
    return watched.length === 0
      ? nothing
      : pass(`no migration is pending; looked who uses what ${watched.join(', ')} is going to take away`);
  } catch (error) {
    if (error instanceof SlipwayError)
      return pass(`no migration is pending; who uses what is going to be contracted could not be looked at: ${error.message}`);
    throw error;
  }
}

function withRequest<T>(deps: StepDeps, plan: Plan, use: (request: Omit<ContractRequest, 'only'>) => Promise<T>): Promise<T> {
  const { workspace, definition, gitSha, steps } = plan;
  const proves = steps.some(({ kind, skip }) => kind === 'prove' && skip === null);
  return withSource({ ...plan, home: deps.home }, (folder) =>
    use({ workspace, folder, definition, gitSha, proves, sampleRows: SAMPLE_ROWS }),
  );
}

function migratesByProgram({ definition, steps }: Plan): boolean {
  return definition.database?.migrations === null && steps.some(({ kind, skip }) => kind === 'migrate' && skip === null);
}

/** Null: the plan does not know, so it is looked up. */
function migratesFiles({ definition, steps }: Plan): boolean {
  const step = steps.find(({ kind, skip }) => kind === 'migrate' && skip === null);
  const expected = step?.input['expect'];
  const folder = definition.database?.migrations ?? null;
  return step !== undefined && folder !== null && (!Array.isArray(expected) || expected.length > 0);
}

function answerOf(due: readonly ContractReport[], { strategy, previous }: Plan): Answer {
  const parts = due.flatMap(({ name, checks }) =>
    checks.map((check): Check => ({ ...check, name: `contract ${name ?? 'not declared'}: ${check.name}` })),
  );
  const bad = due.flatMap((report) => report.checks.filter(({ verdict }) => verdict !== 'pass').map((check) => ({ report, check })));
  const told = (one: (typeof bad)[number]): string => `${nameOf(one.report)}: ${one.check.name}: ${one.check.reason}`;
  if (bad.length === 0) return { ...pass(`nobody needs ${due.flatMap(({ shapes }) => shapes).join(', ')} any more`), parts };
  const beside = previous !== null && strategy.name !== 'recreate';
  // A version that Slipway does not know of is not stopped: whoever is seen to use it is in the way.
  const seen = previous === null && bad.some(({ check }) => check.verdict === 'fail' && USED.test(check.name));
  if (!beside && !seen && bad.every(({ report }) => report.name === null))
    return advice(
      due,
      bad.map(({ check }) => check.name),
      parts,
    );
  const failed = bad.filter(({ check }) => check.verdict === 'fail');
  const fix =
    'slipway db contract shows all of it (docs/contract.md); leave it to a later release, or skip with --skip preflight.contract=REASON.';
  const answer = failed.length > 0 ? fail : unknown;
  return { ...answer(some((failed.length > 0 ? failed : bad).map(told)), fix), parts };
}

const USED = /^(?:sessions|statements|standby \d+)$/;

/** The old version is stopped first, and its backup is the way back: so it is only said. */
function advice(due: readonly ContractReport[], names: readonly string[], parts: readonly Check[]): Answer {
  const what = [...new Set(due.map(nameOf))].join(', ');
  const answer = unknown(
    `nothing shows that nobody needs ${what} any more (${[...new Set(names)].join(', ')})`,
    'See `slipway db contract`.',
  );
  return { ...answer, parts, blocks: false };
}

const nameOf = ({ name, shapes }: ContractReport): string => name ?? (shapes.length === 0 ? 'pending migrations' : shapes.join(', '));

/** Backfills that this commit needs are done, and their verification passes now. */
export const checkBackfills: PreflightCheck = async (deps, plan) => {
  const { kind, definition, gitSha, workspace } = plan;
  const none = pass('this commit needs no backfill');
  if (kind === 'rollback' || definition.database === null) return none;
  // Cheaper than to check out a commit that declares none.
  if (gitSha !== null && !(await isInCommit(workspace, gitSha, 'backfills'))) return none;
  return withSource({ ...plan, home: deps.home }, (folder) => askBackfills(deps, plan, folder));
};

async function askBackfills(deps: StepDeps, plan: Plan, folder: string): Promise<Answer> {
  const needed = (await deps.readBackfills(folder)).filter(({ definition }) => definition.required);
  if (needed.length === 0) return pass('this commit needs no backfill');
  const database = (await deps.databaseExists(plan.definition)) ? await deps.databaseFor(plan.workspace, plan.definition) : null;
  if (database === null) return pass('the database is new: it has no rows to fill');
  const answers: Omit<Check, 'name'>[] = [];
  for (const one of needed) answers.push(await backfillAnswer(one, database));
  const worst = answers.find(({ verdict }) => verdict === 'fail') ?? answers.find(({ verdict }) => verdict !== 'pass');
  if (worst === undefined) return pass(answers.map(({ reason }) => reason).join('; '));
  const answer = worst.verdict === 'fail' ? fail : unknown;
  return answer(worst.reason, `${worst.fix ?? ''} This commit says that it needs it (required: true).`);
}
