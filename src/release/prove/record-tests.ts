import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  applyMigrations,
  loadSample,
  openShadows,
  readMigrations,
  querySetOf,
  recordStatements,
  type Captured,
  type DatabaseAccess,
  type Shadows,
} from '../../database/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import type { CommandDefinition, DatabaseDefinition, Definition } from '../core/definition.ts';
import { historyOf } from '../artifact/source.ts';
import type { StepOutcome } from '../ports.ts';
import { openStepLog } from '../step-log.ts';
import { outcomeOf, runUserCommand } from '../steps/command.ts';
import type { StepDeps } from '../steps/deps.ts';
import { commandOnShadow, SHADOW_URL } from './on-shadow.ts';

export interface RecordRequest {
  /** Id of this run: nobody else has it. */
  readonly id: string;
  readonly workspace: string;
  readonly definition: Definition;
  /** A database of the server on which shadow databases are made. */
  readonly server: DatabaseAccess;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** What the tests of a version sent. */
export type Recorded = Pick<Captured, 'verdict' | 'reason' | 'queries' | 'leftOut'>;

type RecordDeps = Pick<StepDeps, 'home' | 'environmentFor' | 'effects'>;

/**
 * Runs the test command of slipway.yaml in the workspace, on a database with the schema of its migrations, and takes what it sent as a query
 * set. The service's own database is not connected to.
 * @throws SlipwayError `config_invalid` when there is no test command or no folder of migrations; as the parts say
 */
export async function recordTests(deps: RecordDeps, request: RecordRequest): Promise<Recorded> {
  const { definition, server, id } = request;
  const { test, database } = definition;
  if (test === null || database === null || database.migrations === null)
    throw new SlipwayError('config_invalid', 'slipway.yaml has no test command, or no folder of migrations', {
      hint: 'Add `test` and `database.migrations`.',
    });
  const command = commandOnShadow(database, test, 'the test command');
  const shadows = await openShadows(server, id);
  try {
    return await record({ deps, request, shadows, command, database });
  } finally {
    await shadows.close(false);
  }
}

interface Work {
  readonly deps: RecordDeps;
  readonly request: RecordRequest;
  readonly shadows: Shadows;
  readonly command: CommandDefinition;
  readonly database: DatabaseDefinition;
}

/** What a recording came to. */
interface Recording {
  readonly connections: number;
  /** Statements that were sent and are not kept. */
  readonly missed: number;
  /** Statements of the query set. */
  readonly found: number;
  readonly outcome: Pick<StepOutcome, 'verdict' | 'reason'>;
  readonly variable: string;
}

/** Does the query set hold what the tests send? */
export function judgeRecording({ connections, missed, found, outcome, variable }: Recording): Pick<Recorded, 'verdict' | 'reason'> {
  const told = found === 1 ? '1 statement' : `${found} statements`;
  const unknown = (reason: string): Pick<Recorded, 'verdict' | 'reason'> => ({ verdict: 'unknown', reason });
  if (connections === 0) return unknown(`the tests never came to the database that ${variable} names`);
  if (outcome.verdict !== 'pass') return unknown(`${told}, but ${outcome.reason}`);
  if (missed > 0)
    return unknown(`${told}, but the tests went on: ${missed} more than can be kept were not looked at; record fewer tests at a time`);
  return found === 0 ? unknown(told) : { verdict: 'pass', reason: told };
}

async function record(work: Work): Promise<Recorded> {
  const { request, shadows, deps } = work;
  request.onProgress('making the schema');
  const schema = await shadows.make('schema');
  const { migrations } = work.database;
  const { files } = await readMigrations({ directory: join(request.workspace, migrations ?? ''), ...historyOf(work.database) });
  await shadows.allow(schema, files.flatMap(({ up }) => up.statements.map(({ text }) => text)).join(';\n'));
  await fill(work, schema);
  const recorder = await recordStatements(await shadows.make('tests', schema));
  try {
    request.onProgress('running the tests');
    const outcome = await runTests(work, recorder.url);
    request.signal.throwIfAborted();
    const set = await querySetOf(schema, recorder.statements, FILE);
    const [connections, missed] = [recorder.connections(), recorder.missed()];
    deps.effects.log('info', 'tests recorded', { connections, sent: recorder.statements.length + missed });
    return { ...set, ...judgeRecording({ connections, missed, found: set.queries.length, outcome, variable: work.database.env }) };
  } finally {
    await recorder.close();
  }
}

/** Name of the file such a query set is kept in. */
export const FILE = 'tests.sql';

/** What a release would apply, and the sample data: tests that need rows find them. */
async function fill({ deps, request, database }: Work, access: DatabaseAccess): Promise<void> {
  const { verdict, reason } = await applyMigrations({
    access,
    directory: join(request.workspace, database.migrations ?? ''),
    thrownAway: true,
    ...historyOf(database),
    release: 'db capture',
    fence: 1,
    lockTimeoutMs: database.lockTimeoutMs,
    statementTimeoutMs: database.statementTimeoutMs,
    effects: deps.effects,
    signal: request.signal,
    onProgress: () => undefined,
  });
  if (verdict !== 'pass')
    throw new SlipwayError('gate_blocked', `The schema cannot be made: ${reason}`, { hint: 'Correct the migrations.' });
  if (database.sample === undefined) return;
  const sql = await readFile(join(request.workspace, database.sample), 'utf8').catch((cause: unknown) => {
    throw new SlipwayError('not_found', `The sample data ${database.sample ?? ''} cannot be read`, { cause });
  });
  await loadSample(access, sql);
}

async function runTests({ deps, request, command }: Work, url: string) {
  const { definition, workspace, id, signal } = request;
  const { effects } = deps;
  const log = await openStepLog(join(deps.home, 'proofs', id), 0, 'tests', effects.redact);
  const context = {
    plan: { workspace, definition, version: 'recorded', release: id, environment: definition.environment, service: definition.service },
    effects,
    signal,
    note: log.note,
    commandLog: log.commandLog,
    takeCommandLog: log.take,
  };
  const environmentFor: RecordDeps['environmentFor'] = async (...place) => ({
    ...(await deps.environmentFor(...place)),
    [SHADOW_URL]: url,
  });
  try {
    return outcomeOf(command, await runUserCommand({ environmentFor }, context, command, { cwd: workspace }));
  } finally {
    log.finish();
  }
}
