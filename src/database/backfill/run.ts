import type pg from 'pg';
import { SlipwayError, type Duration } from '../../kernel/index.ts';
import { afterBatch, afterConflict, afterRefusal, firstPace, type Pace } from '../core/backfill/pace.ts';
import { connectError } from '../errors.ts';
import { runBatch, type BatchOutcome, type BatchWork } from './batch.ts';
import type { Monitor } from './monitor.ts';
import { quarantine, type RangeState, type Wanted } from './state.ts';
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
}

const PAUSED_LOOK_MS = 250;
const MOST_CONFLICTS = 30;
const CONFLICT_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** Walks one part of the table to its end, batch by batch. */
export async function walkRange(walking: Walking, client: pg.Client, range: RangeState): Promise<RangeEnd> {
  const { request, work } = walking;
  const { limits } = work.definition;
  let cursor = range.cursor ?? range.span.after;
  let pace: Pace = firstPace(limits);
  let conflicts = 0;
  for (;;) {
    const held = await hold(walking, client);
    if (held !== null) return held;
    const since = request.effects.clock.monotonic();
    const rows = pace.rows;
    const batchWork = { ...work, range: range.number, sparing: walking.quarantined.count > 0 };
    const outcome = await runBatch(client, batchWork, { after: cursor, until: range.span.until }, rows);
    const tookMs = request.effects.clock.monotonic() - since;
    request.onBatch?.(recordOf(outcome, { range: range.number, rows, tookMs }));
    if (outcome.kind === 'done') {
      conflicts = 0;
      cursor = outcome.cursor ?? cursor;
      if (cursor !== null) walking.monitor.seen(cursor);
      walking.wanted.value = outcome.wanted;
      if (outcome.rangeDone) return { kind: 'done' };
      pace = afterBatch(pace, tookMs, limits);
      await request.effects.clock.sleep(Math.max(1, tookMs * limits.nice), walking.ending.signal);
      continue;
    }
    if (outcome.kind === 'conflict') {
      conflicts += 1;
      if (conflicts > MOST_CONFLICTS) return { kind: 'failed', because: `${outcome.message}, ${conflicts} times one after the other` };
      pace = afterConflict(pace);
      const pause = Math.min(LONGEST_PAUSE_MS, CONFLICT_PAUSE_MS * 2 ** Math.min(conflicts, 10));
      await request.effects.clock.sleep(pause, walking.ending.signal);
      continue;
    }
    if (outcome.kind === 'refused') {
      pace = afterRefusal(pace);
      if (outcome.only === null) continue;
      const full = await setAside(walking, client, { outcome, range, only: outcome.only });
      if (full !== null) return full;
      cursor = outcome.cursor ?? outcome.only;
      continue;
    }
    return giveUp(outcome, request);
  }
}

function giveUp(outcome: Extract<BatchOutcome, { kind: 'endless' | 'lost' }>, request: BackfillRequest): RangeEnd {
  if (outcome.kind === 'lost') throw connectError(new Error(outcome.message), request.access);
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
  if (quarantined.count >= limits.mostQuarantined)
    return {
      kind: 'failed',
      because: `${quarantined.count} rows are set aside already and ${only.join(', ')} is refused too: ${message} [${outcome.sqlstate}]`,
    };
  const cursor = outcome.cursor ?? only;
  const progress = { name, fence: work.fence, range: range.number, cursor, done: false, scanned: 1, changed: 0 };
  walking.wanted.value = await quarantine(client, progress, { key: only, sqlstate: outcome.sqlstate, message });
  quarantined.count += 1;
  request.onProgress?.(`row ${only.join(', ')} is set aside: ${message} [${outcome.sqlstate}]`);
  return null;
}

/** Waits while something speaks against the next batch, and tells why once for each reason; the end of the walk when it must not go on. */
async function hold(walking: Walking, client: pg.Client): Promise<RangeEnd | null> {
  const { request, work, monitor, ending, startedAt, wanted } = walking;
  const { clock } = request.effects;
  for (let told: string | null = null; ;) {
    if (ending.signal.aborted) return { kind: 'stopped', because: 'it was asked to end' };
    const { mostMs } = work.definition.limits;
    if (mostMs !== null && clock.monotonic() - startedAt > mostMs) return { kind: 'stopped', because: 'its longest run is over' };
    if (wanted.value === 'stop') return { kind: 'stopped', because: 'somebody asked it to stop' };
    const paused = wanted.value === 'pause';
    const why = paused ? 'paused; somebody asked for it' : monitor.why();
    request.onWait?.(why);
    if (why === null) return null;
    if (why !== told && (told === null || paused)) request.onProgress?.(paused ? why : `waits: ${why}`);
    told = why;
    await clock.sleep(PAUSED_LOOK_MS, ending.signal);
    if (paused) wanted.value = await readWanted(client, work.definition.name, work.fence);
  }
}

async function readWanted(client: pg.Client, name: string, fence: number): Promise<Wanted> {
  const { rows } = await client.query<{ wanted: Wanted }>('SELECT wanted FROM slipway_history.backfill WHERE name = $1 AND fence = $2', [
    name,
    fence,
  ]);
  const [row] = rows;
  if (row === undefined) throw new SlipwayError('fenced', `Another run of the backfill ${name} took over; nothing more is done here`);
  return row.wanted;
}

function recordOf(
  outcome: BatchOutcome,
  figures: { readonly range: number; readonly rows: number; readonly tookMs: Duration },
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
