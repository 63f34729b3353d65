import type pg from 'pg';
import { SlipwayError, type Duration } from '../../kernel/index.ts';
import type { BackfillChange } from '../core/backfill/definition.ts';
import { fixedOf, NO_COSTS, servedOf, withBatch, workedOf, type Costs } from '../core/backfill/work.ts';
import type { Key } from '../core/backfill/sql.ts';
import { isConnectionLost, serverError } from '../errors.ts';
import type { BatchWork, Manner, Reach } from './batch.ts';
import { claimAndChange } from './claim.ts';
import { changeAtOnce } from './direct.ts';
import type { Walking } from './run.ts';

/** What the batches of a walk told of how long they take. */
export interface Timing {
  readonly costs: Costs;
  /** What a batch of no rows takes at least, by its manner; null: not tried yet. */
  readonly emptyMs: Readonly<Record<Manner, Duration | null>>;
  /** Batches since one of no rows was tried. */
  readonly since: number;
}

export const FIRST_TIMING: Timing = { costs: NO_COSTS, emptyMs: { direct: null, claimed: null }, since: 0 };

/** A first try may have been in somebody's way; a later one costs little among so many batches. */
const FIRST_TRIES = 3;
const TRY_AGAIN = 64;

/** Exchanges with the server, one after the other: begin, claim, record and commit, and those that change the rows. */
const CLAIMED: Readonly<Record<BackfillChange['kind'], number>> = { set: 5, statement: 6, function: 7 };
/** Of a batch, with the search for its end. */
export const exchangesOf = (kind: BackfillChange['kind']): number => 1 + (kind === 'set' ? 1 : CLAIMED[kind]);

/** One of no rows claims and records. */
const EMPTY: Readonly<Record<Manner, number>> = { direct: 1, claimed: 2 };

export interface TimedBatch {
  readonly position: { readonly pace: { readonly rows: number } };
  readonly manner: Manner;
  /** Of its transaction. */
  readonly tookMs: Duration;
  /** Of the search for its end, before it. */
  readonly searchedMs: Duration;
  /** Where it ended; null: nowhere yet. */
  readonly cursor: Key | null;
  readonly range: { readonly number: number };
  readonly timing: Timing;
}

export interface Timed {
  readonly timing: Timing;
  /** For its rows. */
  readonly workedMs: Duration;
  /** All that the server had with it, for the pause. */
  readonly burdenMs: Duration;
  /** What the next one may work. */
  readonly budgetMs: Duration;
}

/**
 * What a batch worked. What one of no rows takes as well does not count for its size, only for how long its transaction may take; but a
 * batch may always work as long as the server takes for that: one that plans hundreds of partitions for each row would never end.
 */
export async function timeBatch(walking: Walking, client: pg.Client, batch: TimedBatch): Promise<Timed> {
  const { manner, tookMs, searchedMs, position } = batch;
  const { change, limits } = walking.work.definition;
  const { rows } = position.pace;
  const { emptyMs, since } = await withEmpty(walking, client, batch);
  const answerMs = walking.monitor.answerMs();
  const exchanges = manner === 'direct' ? 1 : CLAIMED[change.kind];
  const fixed = fixedOf(emptyMs[manner] ?? 0, { answerMs, exchanges, empty: EMPTY[manner] });
  const servedMs = servedOf(tookMs, fixed.tookMs);
  const costs = withBatch(batch.timing.costs, rows, servedMs);
  const workedMs = workedOf(costs, rows, tookMs, fixed.tookMs);
  // The rest waited for a core as its rows did.
  const besidesMs = ((fixed.serverMs + servedOf(searchedMs, answerMs)) * workedMs) / servedMs;
  return {
    timing: { costs, emptyMs, since },
    workedMs,
    burdenMs: workedMs + besidesMs,
    budgetMs: Math.max(limits.transactionMs - fixed.serverMs, fixed.serverMs),
  };
}

async function withEmpty(
  walking: Walking,
  client: pg.Client,
  { timing, manner, cursor, range }: TimedBatch,
): Promise<Omit<Timing, 'costs'>> {
  const { emptyMs, since } = timing;
  const known = emptyMs[manner];
  if (cursor === null || (known !== null && since < TRY_AGAIN)) return { emptyMs, since: since + 1 };
  let least = known ?? Number.POSITIVE_INFINITY;
  for (let tries = known === null ? FIRST_TRIES : 1; tries > 0; tries--) {
    const work = { ...walking.work, range: range.number, sparing: walking.quarantined.count > 0 };
    least = Math.min(least, (await tryEmpty(client, work, { at: cursor, manner, clock: walking.request.effects.clock })) ?? least);
  }
  return { emptyMs: { ...emptyMs, [manner]: Number.isFinite(least) ? least : null }, since: 0 };
}

interface Try {
  readonly at: Key;
  readonly manner: Manner;
  readonly clock: Walking['request']['effects']['clock'];
}

/** A batch between a key and itself, taken back. Null where it did not come to its end: the next batch says why. */
async function tryEmpty(client: pg.Client, work: BatchWork, { at, manner, clock }: Try): Promise<Duration | null> {
  const { change } = work.definition;
  const reach: Reach = { span: { after: at, until: at }, rows: 0, boundary: at };
  const quiet = { ...work, faults: { at: () => undefined } };
  try {
    await client.query('BEGIN');
    const from = clock.monotonic();
    if (manner === 'direct' && change.kind === 'set') await changeAtOnce(client, quiet, reach, change.columns);
    else await claimAndChange(client, quiet, reach, { keys: [] });
    return clock.monotonic() - from;
  } catch (error) {
    if (serverError(error) === null && !isConnectionLost(error) && !(error instanceof SlipwayError)) throw error;
    return null;
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
