import {
  hasUsers,
  judgeDependants,
  judgeMismatch,
  judgeSessions,
  judgeStatements,
  lookAtReader,
  sampleMismatch,
  verifyBackfill,
  type Allowed,
  type OldShape,
  type ShapeFacts,
} from '../../database/index.ts';
import { joinVerdicts, SlipwayError, type Check, type Effects } from '../../kernel/index.ts';
import type { DeclaredBackfill } from '../prove/ports.ts';
import { checkFallback, windowBegan } from './fallback-check.ts';
import type { Looking } from './gate.ts';

type Answer = Omit<Check, 'name'>;

/** The one look into the database, made when it is first asked for. */
export type DatabaseAnswers = () => Promise<ShapeFacts>;

type Ask = readonly [name: string, ask: () => Promise<Answer>];

const SAMPLE_WITHIN_MS = 20_000;

/** The questions that the database answers. What is only narrowed has no readers, and what is not declared no backfill. */
export function databaseChecks(looking: Looking, facts: DatabaseAnswers): readonly Ask[] {
  const { subject, request } = looking;
  const { declared, shapes } = subject;
  const allowed = declared?.allow ?? [];
  const gone = shapes.some(hasUsers);
  const asks: Ask[] = [
    ['sessions', async () => withStandbys(judgeSessions((await facts()).sessions, sessionsOf(looking)), (await facts()).standbys, request)],
    ...(request.definition.database?.readers ?? []).map((_one, index): Ask => [`standby ${index + 1}`, () => checkReader(looking, index)]),
  ];
  if (gone)
    asks.push(
      ['statements', async () => missingAnswer(await facts()) ?? statementsAnswer(await facts(), allowed, looking)],
      ['dependants', async () => missingAnswer(await facts()) ?? judgeDependants((await facts()).dependants, allowed)],
    );
  if (declared === null) return asks;
  const { backfill, mismatch, fallback, name } = declared;
  if (backfill !== null) asks.push(['backfill', async () => checkBackfill(looking, backfill)]);
  if (mismatch !== null)
    asks.push(['mismatch', async () => judgeMismatch(await sampleMismatch(looking.access, mismatch, boundsOf(looking)), mismatch)]);
  if (fallback !== null) asks.push(['fallback', async () => checkFallback(looking, name, fallback)]);
  return asks;
}

const sessionsOf = ({ request, isOld, subject }: Looking): Parameters<typeof judgeSessions>[1] => ({
  service: request.definition.service,
  isOld,
  allowed: subject.declared?.allow ?? [],
});

/** Most standbys are there to take over and read by nobody, so one that is not named is only told. */
function withStandbys(answer: Answer, standbys: number, { definition }: Looking['request']): Answer {
  const untold = standbys - (definition.database?.readers ?? []).length;
  if (untold <= 0) return answer;
  const which = untold === 1 ? '1 standby streams from here and is' : `${untold} standbys stream from here and are`;
  return { ...answer, reason: `${answer.reason}; ${which} not in database.readers, so who reads there is not seen` };
}

/** Who reads on a standby: one that cannot be asked may have readers. */
async function checkReader(looking: Looking, index: number): Promise<Answer> {
  const { subject, request, deps, access, windowMs } = looking;
  try {
    const reader = (await deps.readersFor(request.workspace, request.definition))[index];
    if (reader === undefined) throw new Error('a reader was declared and is not there');
    const { at, now, sessions, statements } = await lookAtReader(access, reader, {
      shapes: subject.shapes,
      remember: windowBegan(looking),
    });
    const answers = [
      judgeSessions(sessions, sessionsOf(looking)),
      ...(subject.shapes.some(hasUsers) ? [judgeStatements(statements, subject.declared?.allow ?? [], { now, windowMs })] : []),
    ];
    const fix = answers.find(({ verdict }) => verdict !== 'pass')?.fix;
    return {
      verdict: joinVerdicts(answers.map(({ verdict }) => verdict)),
      reason: `${at}: ${answers.map(({ reason }) => reason).join('; ')}`,
      ...(fix === undefined ? {} : { fix }),
    };
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return { verdict: 'unknown', reason: `it cannot be asked who reads there: ${error.message}`, fix: error.hint };
  }
}

function statementsAnswer({ statements, now }: ShapeFacts, allowed: readonly Allowed[], { windowMs }: Looking): Answer {
  return judgeStatements(statements, allowed, { now, windowMs });
}

/** What is not there has no users, but a name that is wrong hides them. */
function missingAnswer({ missing }: ShapeFacts): Answer | null {
  const named = missing.filter(({ kind, change }) => kind !== 'rule' && change !== 'narrow');
  if (named.length === 0) return null;
  return {
    verdict: 'unknown',
    reason: `not in the database: ${named.map(({ told }: OldShape) => told).join(', ')}`,
    fix: 'Correct the name in the declaration; where it was contracted already, delete the declaration.',
  };
}

function boundsOf({ deps, request }: Looking): Parameters<typeof sampleMismatch>[2] {
  const { clock } = deps.effects;
  const random = randomOf(deps.effects);
  return {
    rows: request.sampleRows,
    withinMs: SAMPLE_WITHIN_MS,
    clock,
    random,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  };
}

/** A number in [0, 1) out of an unguessable token. */
function randomOf({ ids }: Effects): () => number {
  return () => Number.parseInt(ids.token().slice(0, 8), 16) / 2 ** 32;
}

async function checkBackfill({ deps, request, access }: Looking, name: string): Promise<Answer> {
  const found = (await deps.readBackfills(request.folder)).find(({ definition }) => definition.name === name);
  if (found === undefined)
    return {
      verdict: 'unknown',
      reason: `there is no backfills/${name}.yaml`,
      fix: 'Correct `backfill` in the declaration of the contract.',
    };
  return backfillAnswer(found, access);
}

/** Is a backfill done, and is what it promised true now? */
export async function backfillAnswer({ definition }: DeclaredBackfill, access: Looking['access']): Promise<Answer> {
  const { name } = definition;
  const { state, wrong, empty } = await verifyBackfill(access, definition);
  const fix = `Run \`slipway db backfill ${name}\`.`;
  if (wrong > 0) return { verdict: 'fail', reason: `${wrong} rows are wrong by the verification of ${name}, asked now`, fix };
  if (state === null) return { verdict: 'unknown', reason: `no row is wrong by the verification of ${name}, but it never ran here`, fix };
  if (state.status !== 'done') return { verdict: 'fail', reason: `${name} is ${state.status}: ${state.because}`, fix };
  if (state.quarantined > 0)
    return {
      verdict: 'fail',
      reason: `${state.quarantined} rows are set aside by ${name}`,
      fix: `Repair them, and run \`slipway db backfill ${name} --retry\`.`,
    };
  if (state.changed === 0 && definition.verify === null && !empty) return foundNothing(definition);
  return { verdict: 'pass', reason: `${name} changed ${state.changed} rows, and its verification finds none that is wrong, asked now` };
}

/** A condition with a slip in it finds no row, and then none is left that it is true of. */
function foundNothing({ name, where }: DeclaredBackfill['definition']): Answer {
  return {
    verdict: 'unknown',
    reason: `${name} never found a row to change, and nothing but its own condition says that none is left: ${where}`,
    fix: `Correct \`where\`, or say under \`verify\` what must be true of the rows; then run \`slipway db backfill ${name} --restart\`.`,
  };
}
