import { isJsonObject, type JsonObject, type Verdict } from '../../kernel/pure.ts';
import type { LedgerRecord } from './record.ts';

/** The one-word answer of a pack. */
export type PackVerdict = 'PASS' | 'FAIL' | 'UNKNOWN';

/** One try of one step, as its `step.finished` event tells it. */
export interface StepStory {
  readonly seq: number;
  readonly step: string;
  readonly stage: string;
  readonly attempt: number;
  readonly verdict: Verdict;
  readonly reason: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly log: { readonly name: string; readonly sha256: string; readonly bytes: number } | null;
}

/** What the ledger says happened, recomputed from its events alone: anyone with the events gets the same. */
export interface Story {
  readonly release: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  /** The version that ran before; null for a first release. */
  readonly previous: string | null;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly verdict: PackVerdict;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly steps: readonly StepStory[];
}

const FAILED = new Set(['rolled-back', 'unchanged', 'accepted', 'stuck']);

/**
 * Only `released` passes, and a rollback only within its declared time; an unfinished release, or an outcome this build does not know,
 * is unknown.
 */
export function verdictOf(outcome: string | null, rollback: string | null): PackVerdict {
  if (outcome === 'released') return rollback === 'fail' ? 'FAIL' : 'PASS';
  return outcome !== null && FAILED.has(outcome) ? 'FAIL' : 'UNKNOWN';
}

/**
 * Recomputes the story from records in order.
 * @throws Error naming the event and field when one is not as `docs/evidence.md` says
 */
export function readStory(records: readonly LedgerRecord[]): Story {
  const [first] = records;
  if (first?.type !== 'release.requested') throw new Error('event 0 is not release.requested');
  const plan = planOf(records, first);
  const finished = records.findLast((record) => record.type === 'release.finished');
  const outcome = finished === undefined ? null : textAt(dataOf(finished), 'outcome', finished);
  return {
    release: first.release,
    service: textAt(plan, 'service', first),
    environment: textAt(plan, 'environment', first),
    version: textAt(plan, 'version', first),
    previous: previousOf(plan, first),
    outcome,
    reason: finished === undefined ? null : textAt(dataOf(finished), 'reason', finished),
    verdict: verdictOf(outcome, finished === undefined ? null : rollbackOf(dataOf(finished))),
    startedAt: first.time,
    finishedAt: finished?.time ?? null,
    steps: records.filter((record) => record.type === 'step.finished').map(readStep),
  };
}

/** Whether a way back kept to its declared time; null where there was none. */
function rollbackOf({ rollback }: JsonObject): string | null {
  return isJsonObject(rollback) && typeof rollback['verdict'] === 'string' ? rollback['verdict'] : null;
}

/** The plan it was carried out by: a release that waited for another one was planned again. */
function planOf(records: readonly LedgerRecord[], first: LedgerRecord): JsonObject {
  const again = records.findLast((record) => record.type === 'release.planned' && isJsonObject(dataOf(record)['plan']));
  return objectAt(dataOf(again ?? first), 'plan', again ?? first);
}

/** A plan names the previous version as text, or as an object that carries more than its `version`. */
function previousOf(plan: JsonObject, record: LedgerRecord): string | null {
  const previous = plan['previous'] ?? null;
  if (previous === null) return null;
  return isJsonObject(previous) ? textAt(previous, 'version', record) : textAt(plan, 'previous', record);
}

function readStep(record: LedgerRecord): StepStory {
  const data = dataOf(record);
  const verdict = textAt(data, 'verdict', record);
  if (verdict !== 'pass' && verdict !== 'fail' && verdict !== 'unknown')
    throw new Error(`event ${record.seq}: "${verdict}" is not a verdict`);
  return {
    seq: record.seq,
    step: textAt(data, 'step', record),
    stage: textAt(data, 'stage', record),
    attempt: numberAt(data, 'attempt', record),
    verdict,
    reason: textAt(data, 'reason', record),
    startedAt: textAt(data, 'startedAt', record),
    finishedAt: textAt(data, 'finishedAt', record),
    log: readLog(data, record),
  };
}

function readLog(data: JsonObject, record: LedgerRecord): StepStory['log'] {
  if ((data['log'] ?? null) === null) return null;
  const log = objectAt(data, 'log', record);
  return { name: textAt(log, 'name', record), sha256: textAt(log, 'sha256', record), bytes: numberAt(log, 'bytes', record) };
}

function dataOf(record: LedgerRecord): JsonObject {
  if (!isJsonObject(record.data)) throw new Error(`event ${record.seq} (${record.type}): "data" is not an object`);
  return record.data;
}

function objectAt(holder: JsonObject, field: string, record: LedgerRecord): JsonObject {
  const value = holder[field];
  if (!isJsonObject(value)) throw new Error(`event ${record.seq} (${record.type}): "${field}" is not an object`);
  return value;
}

function textAt(holder: JsonObject, field: string, record: LedgerRecord): string {
  const value = holder[field];
  if (typeof value !== 'string') throw new Error(`event ${record.seq} (${record.type}): "${field}" is not text`);
  return value;
}

function numberAt(holder: JsonObject, field: string, record: LedgerRecord): number {
  const value = holder[field];
  if (typeof value !== 'number') throw new Error(`event ${record.seq} (${record.type}): "${field}" is not a number`);
  return value;
}
