import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cellsOf,
  matrixVerdict,
  openShadows,
  type Captured,
  type Cell,
  type Part,
  type SchemaName,
  type Shadows,
  type VersionSide,
} from '../../database/index.ts';
import { redactDeep, SlipwayError, toIso } from '../../kernel/index.ts';
import { createProcessTarget, type ProcessTarget } from '../../targets/index.ts';
import type { SmokeContext } from '../ports.ts';
import { openStepLog, type OpenStepLog } from '../step-log.ts';
import type { StepDeps } from '../steps/deps.ts';
import { FENCE, NO_STATEMENTS, runCell, type CellRun, type CellTools } from './cell.ts';
import { onShadow, SHADOW_URL } from './on-shadow.ts';
import type { CellProof, Proof, ProveRequest, ReadyVersion } from './ports.ts';
import { makeSchemas, type MadeSchemas } from './schemas.ts';
import { querySets, type QuerySets } from './query-sets.ts';
import { newVersion, oldVersion, type VersionTools } from './versions.ts';

type ProveDeps = Pick<StepDeps, 'home' | 'environmentFor' | 'effects' | 'readBackfills'>;

/** Folder of the proofs, one folder each. */
export function proofFolder(home: string, id: string): string {
  return join(home, 'proofs', id);
}

/**
 * Fills the compatibility matrix of the commit here by running both versions on each schema, in databases made for it. The service's
 * own database is not connected to. Whatever happens, databases and processes are removed; what a killed run left is removed by the next.
 * @throws SlipwayError `locked` when another run works in its folder, and what the parts say
 */
export async function proveMigrations(deps: ProveDeps, request: ProveRequest): Promise<Proof> {
  const { room } = request;
  await mkdir(room, { recursive: true, mode: 0o700 });
  const environment: Record<string, string | undefined> = { ...request.environment };
  const target = await openTarget(deps, room, environment);
  try {
    await removeGroups(target);
    // What processes print is told as the cause of a cell: nothing of an earlier run may be taken for it.
    await rm(join(room, PROCESSES, 'logs'), { recursive: true, force: true });
    return await logged({ deps, request, environment, target });
  } finally {
    await removeGroups(target);
    await target.close();
    for (const folder of ['old', 'new']) await rm(join(room, folder), { recursive: true, force: true });
  }
}

async function logged(work: Omit<Work, 'log' | 'shadows'>): Promise<Proof> {
  const { deps, request } = work;
  const log = await openStepLog(proofFolder(deps.home, request.id), 0, 'prove', deps.effects.redact);
  const proof = await onServer({ ...work, log }).catch((error: unknown) => {
    // The file is closed; what it says stays.
    log.finish();
    throw error;
  });
  return redactDeep({ ...proof, log: log.finish() }, deps.effects.redact);
}

async function onServer(work: Omit<Work, 'shadows'>): Promise<Omit<Proof, 'log'>> {
  const { server, id, keep } = work.request;
  const shadows = await openShadows(server, id);
  const proof = await fill({ ...work, shadows }).catch(async (error: unknown) => {
    await shadows.close(keep);
    throw error;
  });
  return { ...proof, kept: await shadows.close(keep) };
}

/** Supervised by this command alone, so no agent is needed, and none is disturbed. */
const PROCESSES = 'processes';

async function removeGroups(target: ProcessTarget): Promise<void> {
  for (const id of target.groups()) await target.remove(FENCE, id);
}

/** One run at a time in a folder: the supervisor's lock says so. */
async function openTarget({ effects }: ProveDeps, room: string, environment: ProveRequest['environment']): Promise<ProcessTarget> {
  const { clock, log } = effects;
  try {
    return await createProcessTarget({ directory: join(room, PROCESSES), clock, log, environment });
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.code !== 'agent_running') throw error;
    throw new SlipwayError('locked', 'Another `slipway db prove` runs in this state directory', {
      cause: error,
      hint: 'Wait until it is over.',
    });
  }
}

interface Work {
  readonly deps: ProveDeps;
  readonly request: ProveRequest;
  /** What processes find in `${env:...}`; the database of the cell that runs is written into it. */
  readonly environment: Record<string, string | undefined>;
  readonly target: ProcessTarget;
  readonly log: OpenStepLog;
  readonly shadows: Shadows;
}

async function fill(work: Work): Promise<Omit<Proof, 'kept' | 'log'>> {
  const { deps, request, log, shadows } = work;
  const { effects } = deps;
  const startedAt = effects.clock.monotonic();
  const tools: VersionTools = { deps, request, context: (version) => contextOf(work, version, request.signal) };
  const old = await oldVersion(tools);
  const { ready, uncommitted } = await newVersion(tools);
  const versions = { old: shadowed(old), new: shadowed(ready) };
  const [earlier, backfills] = [await deps.readBackfills(old.folder), await deps.readBackfills(ready.folder)];
  request.onProgress('making the schemas');
  const made = await makeSchemas({
    shadows,
    old,
    new: ready,
    backfills,
    earlier,
    effects,
    beyond: request.beyond,
    signal: request.signal,
    note: log.note,
  });
  const cells = await runCells(work, versions, made);
  const { service, environment } = request.definition;
  return {
    schema: 'slipway.proof/1',
    id: request.id,
    at: toIso(effects.clock.now()),
    durationMs: Math.round(effects.clock.monotonic() - startedAt),
    verdict: matrixVerdict(cells),
    service,
    environment,
    old: aboutOf(old),
    new: aboutOf(ready),
    serverVersion: shadows.serverVersion,
    sample: made.sample,
    captured: request.captured === null ? null : aboutCaptured(request.captured),
    schemas: made.proofs,
    cells,
    remarks: remarksOf(made, cells, { uncommitted, captured: request.captured }),
    removed: shadows.removed,
  };
}

const shadowed = (version: ReadyVersion): ReadyVersion => ({ ...version, definition: onShadow(version.definition) });
const aboutOf = ({ version, commit, told }: ReadyVersion): Proof['old'] => ({ version, commit, told });

const aboutCaptured = ({ queries, ...about }: Captured): Proof['captured'] => ({ ...about, statements: queries.length });

/** Runs each cell once; one that is the same as another takes its answer. */
async function runCells(
  work: Work,
  versions: Readonly<Record<VersionSide, ReadyVersion>>,
  made: MadeSchemas,
): Promise<readonly CellProof[]> {
  const { request } = work;
  const sets = { old: await querySets(versions.old, request.captured?.queries ?? []), new: await querySets(versions.new, []) };
  const cells = cellsOf(made.proofs, { old: [...sets.old.keys()], new: [...sets.new.keys()] });
  const tools = cellTools(work);
  const answers = new Map<string, CellProof>();
  // By part of the old version; the new one has no schema that it is known to work on.
  const before = new Map<Part, CellRun['before']>();
  const nothing: CellRun['before'] = new Map();
  const proofs: CellProof[] = [];
  for (const cell of cells) {
    const schema = cell.runsOn === null ? undefined : made.databases[cell.runsOn];
    const name = `${cell.version}_${shortOf(cell.part, sets[cell.version])}_${cell.runsOn ?? 'none'}`;
    const known = answers.get(name);
    if (schema === undefined) proofs.push(notRun(cell, made));
    else if (known !== undefined) proofs.push({ ...known, ...cell, durationMs: 0 });
    else {
      request.signal.throwIfAborted();
      request.onProgress(`${cell.version} ${cell.part} on ${cell.schema}`);
      const { version, part } = cell;
      const ran = await runCell(tools, {
        cell,
        name,
        schema,
        version: versions[version],
        queries: queriesFor(sets[version], part),
        before: version === 'old' ? (before.get(part) ?? nothing) : nothing,
      });
      if (version === 'old' && cell.schema === 'old') before.set(part, ran.answers);
      const proof = withBase(ran.proof);
      work.log.note(`${name}: ${proof.verdict}: ${proof.cause}`);
      answers.set(name, proof);
      proofs.push(proof);
    }
  }
  return proofs;
}

const queriesFor = (sets: QuerySets, part: Part): CellRun['queries'] => sets.get(part) ?? [];

/** The name of a database has little room. */
function shortOf(part: Part, sets: QuerySets): string {
  return part === 'service' ? 'svc' : part === 'workers' ? 'wrk' : `c${[...sets.keys()].indexOf(part)}`;
}

/** What fails where nothing was changed says nothing about the change. */
function withBase(proof: CellProof): CellProof {
  if (proof.version !== 'old' || proof.schema !== 'old' || proof.verdict !== 'fail') return proof;
  return { ...proof, cause: `the check itself is broken, for the version fails on its own schema: ${proof.cause}` };
}

function notRun(cell: Cell, { proofs }: MadeSchemas): CellProof {
  const cause = proofs.find(({ schema }) => schema === (cell.runsOn ?? cell.schema))?.reason ?? 'its schema could not be made';
  return { ...cell, verdict: 'unknown', cause, checks: [], output: null, statements: NO_STATEMENTS, durationMs: 0 };
}

function cellTools(work: Work): CellTools {
  const { deps, request, environment, target, shadows } = work;
  return {
    deps: { environmentFor: async (...place) => ({ ...(await deps.environmentFor(...place)), [SHADOW_URL]: environment[SHADOW_URL] }) },
    target,
    shadows,
    workspace: request.workspace,
    effects: deps.effects,
    signal: request.signal,
    keep: request.keep,
    beyond: request.beyond,
    context: (version, signal) => ({ ...contextOf(work, version, signal), step: { stage: 'verify' } }),
    onDatabase: (url) => (environment[SHADOW_URL] = url),
  };
}

function contextOf(
  { deps, request, log }: Work,
  version: Pick<ReadyVersion, 'version' | 'definition'>,
  signal: AbortSignal,
): Omit<SmokeContext, 'step'> {
  const { service, environment } = request.definition;
  return {
    plan: { workspace: request.workspace, release: request.id, service, environment, ...version },
    effects: deps.effects,
    signal,
    note: log.note,
    commandLog: log.commandLog,
    takeCommandLog: log.take,
  };
}

interface Known extends Pick<ProveRequest, 'captured'> {
  readonly uncommitted: number;
}

function remarksOf(
  { sample, proofs, idle }: MadeSchemas,
  cells: readonly CellProof[],
  { uncommitted, captured }: Known,
): readonly string[] {
  const executed = cells.some(({ verdict }) => verdict !== 'unknown');
  const oldFailsOn = (name: SchemaName): boolean =>
    cells.some(({ version, schema, runsOn, verdict }) => version === 'old' && schema === name && runsOn === schema && verdict !== 'pass');
  const filesOf = (name: SchemaName): string => (proofs.find(({ schema }) => schema === name)?.files ?? []).join(', ');
  return [
    ...(oldFailsOn('switched')
      ? [
          `${filesOf('switched')} is applied while the old version runs, which does not work on that: keep both ways open (a view of the old name, a version that lives with both), or stop the old version first`,
        ]
      : []),
    ...(oldFailsOn('contracted')
      ? [
          `a release now would apply ${filesOf('contracted')} while the old version runs, which does not work on that: release them on their own, after it`,
        ]
      : []),
    ...(sample === null && executed ? ['no sample data is declared (database.sample): a matrix on empty tables proves less'] : []),
    ...idle.map(
      (name) => `the backfill ${name} found no row to change, so no cell shows what it does: add rows to the sample data that need it`,
    ),
    ...(captured === null || captured.verdict === 'pass'
      ? []
      : [`what the old version asks in service is not fully known: ${captured.reason}`]),
    ...(uncommitted > 0 ? [`${uncommitted} uncommitted changes are not in the new version`] : []),
    ...(proofs.slice(1).every(({ sameAs }) => sameAs !== null) ? ['nothing is pending: all schemas are the same'] : []),
  ];
}
