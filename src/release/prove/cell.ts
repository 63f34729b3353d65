import {
  runQueries,
  type Answer,
  type AskedQuery,
  type Cell,
  type DatabaseAccess,
  type DeclaredQuery,
  type Part,
  type Shadows,
} from '../../database/index.ts';
import { joinVerdicts, type Check, type Effects } from '../../kernel/index.ts';
import type { GroupSpec, Target } from '../../targets/index.ts';
import { groupSpec } from '../core/compile/group.ts';
import type { Definition, SmokeCheck, SmokeDefinition } from '../core/definition.ts';
import { printedOf } from '../core/printed.ts';
import type { SmokeContext } from '../ports.ts';
import { runSmoke } from '../smoke/smoke.ts';
import type { StepDeps } from '../steps/deps.ts';
import { groupOf, printedBy, waitUntilReady } from '../steps/group.ts';
import { as } from '../steps/input.ts';
import { groupBases } from '../steps/smoke.ts';
import { isConsumer } from './query-sets.ts';
import type { CellProof, ReadyVersion } from './ports.ts';

/** What cells are run with, one after the other. */
export interface CellTools {
  readonly deps: Pick<StepDeps, 'environmentFor'>;
  readonly target: Target;
  readonly shadows: Shadows;
  readonly workspace: string;
  readonly effects: Effects;
  readonly signal: AbortSignal;
  readonly keep: boolean;
  /** What reaches beyond the database is run too. */
  readonly beyond: boolean;
  readonly context: (version: Pick<ReadyVersion, 'version' | 'definition'>, signal: AbortSignal) => SmokeContext;
  /** Says to processes and checks which database theirs is from now on. */
  readonly onDatabase: (url: string) => void;
}

/** A cell to be run. */
export interface CellRun {
  readonly cell: Cell;
  /** Names its database and its group. */
  readonly name: string;
  /** The database that holds its schema; it is copied. */
  readonly schema: DatabaseAccess;
  /** With a definition of {@link onShadow}. */
  readonly version: ReadyVersion;
  readonly queries: readonly DeclaredQuery[];
  /** What the query set came to on the schema the version was made for, where it was asked there. */
  readonly before: ReadonlyMap<string, Answer>;
}

/** What became of a cell, and of each statement of its query set. */
export interface RanCell {
  readonly proof: CellProof;
  readonly answers: ReadonlyMap<string, Answer>;
}

type Outcome = Pick<CellProof, 'verdict' | 'cause' | 'checks' | 'output' | 'statements'> & { readonly answers: RanCell['answers'] };

/** Starts a part of a version on a database of its own with this schema, asks its checks, and removes both again. */
export async function runCell(tools: CellTools, run: CellRun): Promise<RanCell> {
  const { clock } = tools.effects;
  const began = clock.monotonic();
  const database = await tools.shadows.make(run.name, run.schema);
  if (isConsumer(run.cell.part)) return askConsumer(tools, run, { database, began });
  tools.onDatabase(database.url);
  const spec = specOf(tools, run);
  try {
    const { answers, ...outcome } = await ask(tools, run, { spec, database });
    return { answers, proof: { ...run.cell, ...outcome, durationMs: Math.round(clock.monotonic() - began) } };
  } finally {
    await tools.target.remove(FENCE, spec.id);
    if (!tools.keep) await tools.shadows.drop(database);
  }
}

/** Nothing is started: somebody else's programs are not this version's to run. */
async function askConsumer(
  { effects, shadows, keep, beyond }: CellTools,
  run: CellRun,
  { database, began }: { readonly database: DatabaseAccess; readonly began: number },
): Promise<RanCell> {
  try {
    const asked = await runQueries(database, run.queries, { before: run.before, beyond });
    const checks = asked.map(({ name, verdict, reason }) => ({ name, verdict, reason }));
    const proof: CellProof = {
      ...run.cell,
      verdict: joinVerdicts(checks.map(({ verdict }) => verdict)),
      cause: causeOf(checks, asked),
      checks,
      output: null,
      statements: statementsOf(asked),
      durationMs: Math.round(effects.clock.monotonic() - began),
    };
    return { proof, answers: new Map(asked.map(({ name, answer }) => [name, answer])) };
  } finally {
    if (!keep) await shadows.drop(database);
  }
}

/** Nobody else works in the supervisor of a run. */
export const FENCE = 1;

function specOf({ workspace }: CellTools, { cell, name, version }: CellRun): GroupSpec {
  const { definition } = version;
  const side = {
    version: version.version,
    release: 'prove',
    group: `${definition.service}/${definition.environment}/${name}`,
    artifact: version.folder,
    definition,
  };
  const spec = as<GroupSpec>(groupSpec(side, null, cell.part === 'service' ? 'routed' : 'all'));
  // The folder is a whole path already, and stays one below the root.
  return groupOf('/', workspace, { ...spec, processes: spec.processes.filter(({ instances }) => instances > 0) });
}

interface Started {
  readonly spec: GroupSpec;
  readonly database: DatabaseAccess;
}

async function ask(tools: CellTools, run: CellRun, { spec, database }: Started): Promise<Outcome> {
  const { target, effects, signal } = tools;
  const { version, queries, cell } = run;
  const smoke = smokeOf(version.definition, cell.part);
  const context = tools.context(version, signal);
  await target.apply(FENCE, spec);
  const ready = await waitUntilReady(target, spec, {
    effects,
    note: context.note,
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestStart(spec))]),
  });
  signal.throwIfAborted();
  effects.faults.at('prove.started');
  if (ready.verdict !== 'pass')
    return {
      verdict: 'fail',
      cause: ready.reason,
      checks: [],
      output: printedOf(ready.facts ?? {}),
      statements: NO_STATEMENTS,
      answers: new Map(),
    };
  const smoked = await smokeCell(tools, run, { spec, database, smoke, context });
  signal.throwIfAborted();
  const asked = queries.length > 0 ? await runQueries(database, queries, { before: run.before, beyond: tools.beyond }) : [];
  const answered = [...smoked, ...asked.map(({ name, verdict, reason }) => ({ name, verdict, reason }))];
  const proven = joinVerdicts(answered.map((check) => check.verdict)) === 'pass';
  const checks = proven ? [...answered, ...(await connected(tools, run, { spec, database, smoke }))] : answered;
  const verdict = joinVerdicts(checks.map((check) => check.verdict));
  return {
    verdict,
    cause: causeOf(checks, asked),
    checks,
    output: verdict === 'fail' ? await output(tools, spec, context) : null,
    statements: statementsOf(asked),
    answers: new Map(asked.map(({ name, answer }) => [name, answer])),
  };
}

function causeOf(checks: readonly Check[], asked: readonly AskedQuery[]): string {
  const bad = checks.filter((check) => check.verdict !== 'pass');
  if (bad.length > 0) return bad.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  const passed = checks.length === 1 ? '1 check passed' : `${checks.length} checks passed`;
  const { recorded, sampled, plain } = statementsOf(asked);
  if (asked.length === 0) return passed;
  return `${passed}; statements executed: ${recorded} with recorded values, ${sampled} with values of rows, ${plain} that take none`;
}

export const NO_STATEMENTS: CellProof['statements'] = { asked: 0, recorded: 0, sampled: 0, plain: 0 };

function statementsOf(asked: readonly AskedQuery[]): CellProof['statements'] {
  const count = (...origins: readonly Answer['origin'][]): number => asked.filter(({ answer }) => origins.includes(answer.origin)).length;
  return { asked: asked.length, recorded: count('recorded'), sampled: count('row', 'fresh', 'invented'), plain: count('none') };
}

/** Beyond the time the slowest process is given. */
const START_MARGIN_MS = 5_000;

function longestStart({ processes }: GroupSpec): number {
  const given = processes.map(({ health }) => (health.kind === 'http' ? health.startWithinMs : health.forMs));
  return Math.max(0, ...given) + START_MARGIN_MS;
}

/** The service is asked what users ask of it, the workers what became of their work. A version nobody reaches is all workers. */
function smokeOf({ smoke, processes }: Definition, part: Part): SmokeDefinition {
  if (part === 'service') return { ...smoke, worker: [] };
  return processes.some((process) => process.routed) ? { ...smoke, read: [], write: [], expectVersion: false } : smoke;
}

const checksOf = ({ read, write, worker }: SmokeDefinition): readonly SmokeCheck[] => [...read, ...write, ...worker];

interface Smoking extends Started {
  readonly smoke: SmokeDefinition;
}

async function smokeCell(
  tools: CellTools,
  run: CellRun,
  { spec, database, smoke, context }: Smoking & { readonly context: SmokeContext },
): Promise<readonly Check[]> {
  const { version, queries, cell } = run;
  const { definition } = version;
  const must = mustOf(run);
  const declared = checksOf(smoke).length;
  if (declared === 0 && cell.part === 'workers') return [NO_WORKER_CHECK];
  if (declared === 0 && queries.length > 0 && !must.mustRead && !must.mustWrite) return [];
  const group = await tools.target.inspect(spec.id);
  const outcome = await runSmoke(tools.deps, context, smoke, {
    bases: group === null ? [] : groupBases(group, definition),
    database,
    version: version.version,
    healthPath: healthPathOf(definition),
    folder: version.folder,
    ...must,
  });
  return outcome.checks ?? [];
}

const NO_WORKER_CHECK: Check = {
  name: 'worker checks',
  verdict: 'unknown',
  reason: 'no check of background work is declared',
  fix: 'Add one under smoke.worker.',
};

/** A query set answers for the path it walks. */
function mustOf({ cell, version, queries }: CellRun): { readonly mustRead: boolean; readonly mustWrite: boolean } {
  const service = cell.part === 'service';
  const { listen, database } = version.definition;
  return {
    mustRead: service && listen !== null && !queries.some(({ writes }) => !writes),
    mustWrite: service && database !== null && !queries.some(({ writes }) => writes),
  };
}

function healthPathOf({ processes }: Definition): string | null {
  const routed = processes.find((process) => process.routed);
  return routed?.health.kind === 'http' ? routed.health.path : null;
}

/** A version that never came to its shadow database proves nothing about it, whatever it answered. */
async function connected(tools: CellTools, { version, queries }: CellRun, { spec, database, smoke }: Smoking): Promise<readonly Check[]> {
  const { shadows, target, effects } = tools;
  // What a query set asks is asked by Slipway: whether the version connects by itself is another question then.
  if (version.definition.database === null || checksOf(smoke).length === 0 || (await shadows.sessions(database)).foreign > 0) return [];
  // One that connects for each request is seen in the server's count, a moment after its sessions have ended. Slipway's own are in it, too.
  const own = queries.length > 0 || checksOf(smoke).some(({ kind }) => kind === 'sql');
  await target.remove(FENCE, spec.id);
  for (let look = own ? LOOKS : 0; look < LOOKS; look += 1) {
    if (((await shadows.sessions(database)).ever ?? 0) > 0) return [];
    await effects.clock.sleep(LOOK_MS);
  }
  const reason = `the version was never seen in its shadow database: does it connect by ${version.definition.database.env}?`;
  return [{ name: 'database', verdict: 'unknown', reason }];
}

const LOOKS = 20;
const LOOK_MS = 50;

async function output({ target }: CellTools, spec: GroupSpec, { note }: SmokeContext): Promise<CellProof['output']> {
  const group = await target.inspect(spec.id);
  const [first] = group?.instances ?? [];
  return first === undefined ? null : printedOf(await printedBy(target, spec.id, first, note));
}
