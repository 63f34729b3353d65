import type pg from 'pg';
import type { Duration } from '../../kernel/index.ts';
import { afterBatch, afterConflict, afterRefusal, firstPace, type Pace } from '../core/backfill/pace.ts';
import { pauseAfter } from '../core/backfill/pause.ts';
import type { Key } from '../core/backfill/sql.ts';
import { connectError } from '../errors.ts';
import { findReach, runBatch, type BatchOutcome, type BatchWork, type Manner } from './batch.ts';
import { hold } from './hold.ts';
import type { Monitor } from './monitor.ts';
import { quarantine, type RangeState, type Wanted } from './state.ts';
import { FIRST_TIMING, timeBatch, type Timing } from './timing.ts';
import type { BackfillRequest, BatchRecord } from './ports.ts';

/** How a walk over one part of the table ended. */
export type RangeEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'stopped'; readonly because: string }
  | { readonly kind: 'failed'; readonly because: string };

/** What the walks over the parts of one table share. */
export interface Walking {
  readonly request: BackfillRequest;
  readonly work: Omit<BatchWork, 'range' | 'sparing'>;
  readonly monitor: Monitor;
  readonly quarantined: { count: number };
  /** Ends all of them: one failed, the caller aborted, or the longest run is over. */
  readonly ending: AbortController;
  /** Since when, for the longest run. */
  readonly startedAt: Duration;
  /** What somebody asked for last, as the batches found it. */
  readonly wanted: { value: Wanted };
  /** Which walk over the table this is, from 1. */
  readonly walk: number;
  /** The walk before this one could change nothing: rows are held, or kept from being written. */
  readonly careful: boolean;
}

/** How long rows are claimed before they are written, after a direct batch met one that was held. */
interface Care {
  /** Batches until the next direct one. */
  readonly left: number;
  /** As many as it will be the next time. */
  readonly next: number;
}

const CARELESS: Care = { left: 0, next: 1 };
const MOST_CARE = 64;
const MOST_CONFLICTS = 30;
const CONFLICT_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** Where a walk is. */
interface Position {
  readonly cursor: Key | null;
  readonly pace: Pace;
  readonly timing: Timing;
  /** Batches in a row that somebody's lock stopped. */
  readonly conflicts: number;
  readonly care: Care;
}

/** Walks one part of the table to its end, batch by batch. */
export async function walkRange(walking: Walking, client: pg.Client, range: RangeState): Promise<RangeEnd> {
  const { request, work } = walking;
  const { clock } = request.effects;
  let position: Position = {
    cursor: range.cursor ?? range.span.after,
    pace: firstPace(work.definition.limits),
    timing: FIRST_TIMING,
    conflicts: 0,
    care: CARELESS,
  };
  for (;;) {
    const held = await hold(walking, client, range.number);
    if (held !== null) return held;
    const { rows } = position.pace;
    const manner = mannerOf(walking, position);
    const batch = { ...work, range: range.number, sparing: walking.quarantined.count > 0 };
    const from = clock.monotonic();
    const reach = await findReach(client, work.walk, { after: position.cursor, until: range.span.until }, rows);
    const since = clock.monotonic();
    const outcome = 'kind' in reach ? reach : await runBatch(client, batch, reach, manner);
    const [tookMs, searchedMs] = [clock.monotonic() - since, since - from];
    request.onBatch?.(recordOf(outcome, { walk: walking.walk, range: range.number, rows, tookMs }));
    const next = await advance(walking, client, { range, position, outcome, manner, tookMs, searchedMs });
    if ('kind' in next) return next;
    position = next;
  }
}

interface Batch {
  readonly range: RangeState;
  readonly position: Position;
  readonly outcome: BatchOutcome;
  readonly manner: Manner;
  /** Of its transaction. */
  readonly tookMs: Duration;
  /** Of the search for its end, before it. */
  readonly searchedMs: Duration;
}

function mannerOf({ work, careful }: Walking, { pace, care }: Position): Manner {
  // Which row refuses is found among claimed ones.
  const claimed = careful || care.left > 0 || pace.bisecting !== null || work.definition.change.kind !== 'set';
  return claimed ? 'claimed' : 'direct';
}

/** Where the walk goes on after a batch, or how it ends. */
async function advance(walking: Walking, client: pg.Client, batch: Batch): Promise<Position | RangeEnd> {
  const { range, position, outcome, manner } = batch;
  const { request, work } = walking;
  const { clock } = request.effects;
  const { limits } = work.definition;
  switch (outcome.kind) {
    case 'done': {
      const cursor = outcome.cursor ?? position.cursor;
      if (cursor !== null) walking.monitor.seen(cursor);
      walking.wanted.value = outcome.wanted;
      if (outcome.rangeDone) return { kind: 'done' };
      const { timing, workedMs, burdenMs, budgetMs } = await timeBatch(walking, client, { ...batch, cursor, timing: position.timing });
      await clock.sleep(pauseAfter(burdenMs, limits.nice, walking.monitor.busy()), walking.ending.signal);
      const pace = afterBatch(position.pace, workedMs, { ...limits, transactionMs: budgetMs });
      return { cursor, pace, timing, conflicts: 0, care: lessCare(position.care, manner) };
    }
    case 'conflict': {
      // A claimed one leaves out the rows that are held, and finds the one that refuses.
      if (manner === 'direct')
        return { ...position, pace: outcome.tooLong ? afterConflict(position.pace) : position.pace, care: moreCare(position.care) };
      const conflicts = position.conflicts + 1;
      if (conflicts > MOST_CONFLICTS) return { kind: 'failed', because: `${outcome.message}, ${conflicts} times one after the other` };
      await clock.sleep(Math.min(LONGEST_PAUSE_MS, CONFLICT_PAUSE_MS * 2 ** Math.min(conflicts, 10)), walking.ending.signal);
      return { ...position, pace: afterConflict(position.pace), conflicts };
    }
    case 'refused': {
      const next = { ...position, pace: afterRefusal(position.pace) };
      if (outcome.only === null) return next;
      const full = await setAside(walking, client, { outcome, range, only: outcome.only });
      return full ?? { ...next, cursor: outcome.cursor ?? outcome.only };
    }
    case 'undecided':
    case 'endless':
    case 'lost':
      return giveUp(outcome, request);
  }
}

const moreCare = ({ next }: Care): Care => ({ left: next, next: Math.min(MOST_CARE, next * 2) });

const lessCare = ({ left, next }: Care, manner: Manner): Care => (manner === 'direct' ? CARELESS : { left: Math.max(0, left - 1), next });

function giveUp(outcome: Extract<BatchOutcome, { kind: 'undecided' | 'endless' | 'lost' }>, request: BackfillRequest): RangeEnd {
  if (outcome.kind === 'lost') throw connectError(new Error(outcome.message), request.access);
  if (outcome.kind === 'undecided') {
    const row = outcome.key === null ? '' : ` for the row ${outcome.key.join(', ')}`;
    return { kind: 'failed', because: `\`where\` cannot be worked out${row}: ${told(outcome, request)}` };
  }
  return {
    kind: 'failed',
    because: `\`where\` is still true of the row ${outcome.key.join(', ')} after it was changed, so it would be changed for ever; nothing of that batch was kept`,
  };
}

async function setAside(
  walking: Walking,
  client: pg.Client,
  {
    outcome,
    range,
    only,
  }: { readonly outcome: Extract<BatchOutcome, { kind: 'refused' }>; readonly range: RangeState; readonly only: readonly string[] },
): Promise<RangeEnd | null> {
  const { work, quarantined, request } = walking;
  const { name, limits } = work.definition;
  const message = request.effects.redact(outcome.message);
  const said = told(outcome, request);
  if (quarantined.count >= limits.mostQuarantined)
    return {
      kind: 'failed',
      because: `${quarantined.count} rows are set aside already and ${only.join(', ')} is refused too: ${said}`,
    };
  const cursor = outcome.cursor ?? only;
  const progress = { name, fence: work.fence, range: range.number, cursor, done: false, scanned: 1, changed: 0 };
  walking.wanted.value = await quarantine(client, progress, { key: only, sqlstate: outcome.sqlstate, message });
  quarantined.count += 1;
  request.onProgress?.(`row ${only.join(', ')} is set aside: ${said}`);
  return null;
}

/** Messages of class 22 quote the row's own values, which stay in the database. */
function told({ message, sqlstate }: { readonly message: string; readonly sqlstate: string }, { effects }: BackfillRequest): string {
  return sqlstate.startsWith('22') ? `its data do not fit [${sqlstate}]` : `${effects.redact(message)} [${sqlstate}]`;
}

function recordOf(
  outcome: BatchOutcome,
  figures: { readonly walk: number; readonly range: number; readonly rows: number; readonly tookMs: Duration },
): BatchRecord {
  const done = outcome.kind === 'done' ? outcome : null;
  return {
    ...figures,
    outcome: outcome.kind,
    scanned: done?.scanned ?? 0,
    changed: done?.changed ?? 0,
    cursor: done?.cursor ?? null,
  };
}
