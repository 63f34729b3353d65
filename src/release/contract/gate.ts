import { join } from 'node:path';
import lt from 'semver/functions/lt.js';
import parse from 'semver/functions/parse.js';
import {
  lookAtReader,
  lookAtShapes,
  pendingContractions,
  readQueries,
  USUAL_WINDOW_MS,
  type DatabaseAccess,
  type ShapeFacts,
  type Window,
} from '../../database/index.ts';
import { joinVerdicts, messageOf, SlipwayError, toIso, type Check, type Instant } from '../../kernel/index.ts';
import type { PreviousVersion } from '../core/plan.ts';
import { historyOf } from '../artifact/source.ts';
import { freeSince, lastUse, olderThan, type IsOld, type LastUse, type Ran } from '../core/old-version.ts';
import { foldEvents } from '../core/state.ts';
import { mayPass } from '../may-pass.ts';
import { lastVersion } from '../previous.ts';
import type { Proof } from '../prove/ports.ts';
import type { StepDeps } from '../steps/deps.ts';
import { databaseChecks, type DatabaseAnswers } from './database-checks.ts';
import { checkFallback, windowBegan } from './fallback-check.ts';
import type { ContractReport, ContractRequest, GateReport, Subject } from './ports.ts';
import { proofOf } from './proofs.ts';
import { checkQueries } from './query-check.ts';
import { subjectsOf } from './subjects.ts';
import { checkVersions, checkWindow, serveableSince } from './version-checks.ts';

export type GateDeps = Pick<
  StepDeps,
  'home' | 'target' | 'store' | 'databaseFor' | 'readersFor' | 'effects' | 'readBackfills' | 'readContracts' | 'environmentFor'
>;

/** What the checks of one subject look at. */
export interface Looking extends Window {
  readonly deps: GateDeps;
  readonly request: ContractRequest;
  readonly access: DatabaseAccess;
  readonly subject: Subject;
  readonly releases: readonly Ran[];
  readonly previous: PreviousVersion | null;
  readonly proof: Proof | null;
  /** First version that does without the old shape, declared or proven; null: nothing tells. */
  readonly since: string | null;
  readonly isOld: IsOld;
  /** When the last version that needs it was last there; null: nothing tells. */
  readonly use: LastUse | null;
  /** Since when none of them ran, its warm time counted; null: one does, or nothing tells. */
  readonly freeSince: Instant | null;
}

const MOST_RELEASES = 2_000;

/**
 * Asks, of everything that is declared or pending to be contracted, whether anybody still needs it. Nothing is changed but what was
 * counted, which is remembered for the next time.
 * @throws SlipwayError `database_unreachable`, `config_invalid`
 */
export async function contractGate(deps: GateDeps, request: ContractRequest): Promise<GateReport> {
  const contracts: ContractReport[] = [];
  for (const given of await subjectsIn(deps, request)) contracts.push(await judge(given));
  const { service, environment } = request.definition;
  return {
    schema: 'slipway.contract/1',
    at: toIso(deps.effects.clock.now()),
    service,
    environment,
    verdict: joinVerdicts(contracts.map(({ verdict }) => verdict)),
    contracts,
  };
}

/**
 * Looks at what is counted of declared old shapes whose window has begun, and judges nothing: the more often somebody looks, the better
 * a call is dated.
 * @returns their names
 * @throws as `contractGate`
 */
export async function watchContracts(deps: GateDeps, request: ContractRequest): Promise<readonly string[]> {
  const watched: string[] = [];
  for (const given of await subjectsIn(deps, request)) {
    const looking = await lookingAt(given, []);
    const { declared } = given.subject;
    if (declared === null || !windowBegan(looking)) continue;
    await look(looking);
    for (const reader of await deps.readersFor(request.workspace, request.definition))
      await lookAtReader(looking.access, reader, { shapes: given.subject.shapes, remember: true });
    if (declared.fallback?.kind === 'sql') await checkFallback(looking, declared.name, declared.fallback);
    watched.push(declared.name);
  }
  return watched;
}

async function subjectsIn(deps: GateDeps, request: ContractRequest): Promise<readonly Given[]> {
  const { definition, folder } = request;
  const access = await deps.databaseFor(request.workspace, definition);
  const migrations = definition.database?.migrations ?? null;
  if (access === null || migrations === null)
    throw new SlipwayError(
      'config_invalid',
      'slipway.yaml names no database with a folder of migrations, so nothing is known to be contracted',
      { hint: 'Add `database.migrations`.' },
    );
  const declarations = await deps.readContracts(folder);
  const place = { directory: join(folder, migrations), shown: migrations, ...historyOf(definition.database) };
  const subjects = subjectsOf(declarations, await pendingContractions(access, place)).filter((one) => isAsked(one, request.only));
  if (subjects.length === 0) return [];
  const { service, environment } = definition;
  const releases = await deps.store.list({ service, environment, limit: MOST_RELEASES });
  const previous = await lastVersion(deps, service, environment);
  return subjects.map((subject) => ({ deps, request, access, subject, releases, previous }));
}

function isAsked({ declared, contractions }: Subject, only: ContractRequest['only']): boolean {
  if (typeof only === 'object') return declared?.name === only.name;
  return only === 'all' || declared === null || contractions.length > 0;
}

type Given = Pick<Looking, 'deps' | 'request' | 'access' | 'subject' | 'releases' | 'previous'>;

async function judge(given: Given): Promise<ContractReport> {
  const { declared, shapes, contractions } = given.subject;
  const files = [...new Set(contractions.map(({ file }) => file))];
  const looking = await lookingAt(given, files);
  const checks = await checksOf(looking);
  return {
    name: declared?.name ?? null,
    shapes: shapes.map(({ told }) => told),
    replacedBy: declared?.replacedBy ?? null,
    files,
    since: looking.since,
    windowMs: looking.windowMs,
    verdict: joinVerdicts(checks.map(({ verdict }) => verdict)),
    checks,
  };
}

/** What is known before anything is asked. */
async function lookingAt(given: Given, files: readonly string[]): Promise<Looking> {
  const { deps, request, subject, releases, previous } = given;
  const { service, environment } = request.definition;
  const proof = files.length === 0 ? null : await proofOf(deps.home, { commit: request.gitSha, service, environment, files });
  const since = subject.declared?.since ?? serveableSince(proof, previous);
  const windowMs = subject.declared?.windowMs ?? USUAL_WINDOW_MS;
  const isOld: IsOld = since === null ? () => null : olderThan(since, releases, precedes);
  const use = since === null ? null : lastUse(releases, isOld);
  const free = use?.kind === 'until' ? freeSince(use, await warmMs(deps, use.by)) : null;
  return { ...given, proof, since, isOld, use, freeSince: free, windowMs, now: deps.effects.clock.now() };
}

/**
 * Semantic versions by their meaning; of others their names tell nothing. Nor does what is behind the same numbers when it is a commit
 * (a service without a version of its own), or build metadata, which has no order.
 */
export function precedes(one: string, other: string): boolean | null {
  const [a, b] = [parse(one), parse(other)];
  if (a === null || b === null) return null;
  const untold = [a, b].some(({ build, prerelease }) => build.length > 0 || COMMIT.test(String(prerelease[0] ?? '')));
  return untold && a.compareMain(b) === 0 ? null : lt(a, b);
}

const COMMIT = /^[0-9a-f]{12,40}$/;

/** How long the version that was replaced stayed warm, as the release said that replaced it. */
async function warmMs({ store }: GateDeps, by: string | null): Promise<number> {
  return by === null ? 0 : foldEvents((await store.load(by)).events).plan.definition.rollback.warmMs;
}

type Ask = readonly [name: string, ask: () => Promise<Omit<Check, 'name'>> | Omit<Check, 'name'>];

async function checksOf(looking: Looking): Promise<readonly Check[]> {
  const facts = lookOnce(looking);
  const { subject } = looking;
  const asks: readonly Ask[] = [
    ...(subject.unreadable.length === 0 ? [] : [['readable', () => unreadableAnswer(subject)] as const]),
    ['window', () => checkWindow(looking)],
    ['versions', () => checkVersions(looking)],
    ...databaseChecks(looking, facts),
    ['queries', async () => checkQueries(looking, await facts())],
  ];
  const checks: Check[] = [];
  for (const [name, ask] of asks) checks.push({ name, ...(await answered(ask)) });
  return checks;
}

/** What cannot be asked is not known; the other questions are asked all the same, unless the database is away for all of them. */
async function answered(ask: Ask[1]): Promise<Omit<Check, 'name'>> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof SlipwayError) || mayPass(error)) throw error;
    return { verdict: 'unknown', reason: messageOf(error), fix: error.hint };
  }
}

function unreadableAnswer({ unreadable }: Subject): Omit<Check, 'name'> {
  const [first] = unreadable;
  return {
    verdict: 'unknown',
    reason: `${first?.file ?? ''}:${first?.line ?? 0}: ${first?.why ?? ''}, so nobody can say what it takes away`,
    fix: 'Write what it changes as plain statements, in a file of its own.',
  };
}

/** One look for all checks that need it. */
function lookOnce(given: Looking): DatabaseAnswers {
  let looking: Promise<ShapeFacts> | null = null;
  return () => (looking ??= look(given));
}

async function look(given: Looking): Promise<ShapeFacts> {
  const { access, subject } = given;
  const queries = await querySets(given);
  return lookAtShapes(access, { shapes: subject.shapes, away: subject.away, queries, remember: windowBegan(given) });
}

/** The queries of the version to come and of the one that serves, which stays warm beside it. */
async function querySets({
  request,
  previous,
  deps,
}: Pick<Looking, 'request' | 'previous' | 'deps'>): Promise<readonly { readonly name: string; readonly text: string }[]> {
  const sets = [
    { folder: request.folder, queries: request.definition.database?.queries, of: 'this commit' },
    { folder: join(deps.home, previous?.artifact ?? ''), queries: previous?.definition.database?.queries, of: previous?.version ?? '' },
  ];
  const found: { name: string; text: string }[] = [];
  for (const { folder, queries, of } of sets) {
    if (queries === undefined) continue;
    for (const { name, text } of await readQueries(join(folder, queries), `${queries} of ${of}`))
      found.push({ name: `${name} of ${of}`, text });
  }
  return found;
}
