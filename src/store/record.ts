import { sql } from 'kysely';
import { toIso, type Clock, type Instant, type JsonValue } from '../kernel/index.ts';
import type { NewEvent } from '../release/index.ts';
import { advance } from './core/status.ts';
import { nextEntry, type LedgerEntry } from '../evidence/index.ts';
import type { ReleaseRow } from './rows.ts';
import type { Trx } from './session.ts';

/** The channel on which every new event is told; its payload is `release size`. */
export const EVENT_CHANNEL = 'slipway_event';

/** What one call recorded on an earlier try whose COMMIT may or may not have arrived. */
export interface Attempt {
  entries: readonly LedgerEntry[];
}

/** True when the ledger already holds what an earlier try of this call wrote. */
export async function isRecorded(trx: Trx, release: string, attempt: Attempt): Promise<boolean> {
  const last = attempt.entries.at(-1);
  if (last === undefined) return false;
  const found = await trx.selectFrom('event').select('hash').where('release', '=', release).where('seq', '=', last.seq).executeTakeFirst();
  return found?.hash === last.hash;
}

export interface Facts {
  readonly actor: string;
  readonly events: readonly NewEvent[];
  /** Remembers what was recorded, for {@link isRecorded} on a later try. */
  readonly attempt?: Attempt;
}

/**
 * Appends events to a release whose row the transaction holds, and moves its row along.
 * An event is never earlier than the one before it, whatever the machine's clock does.
 * @returns the row as it is now
 */
export async function record(trx: Trx, clock: Clock, row: ReleaseRow, facts: Facts): Promise<ReleaseRow> {
  if (facts.events.length === 0) return row;
  if (row.outcome !== null) throw new Error(`Release ${row.id} is finished; ${facts.events[0]?.type} cannot be recorded`);
  const at = Math.max(clock.now(), row.last_at.getTime());
  const entries = chain(row, facts, at);
  if (facts.attempt !== undefined) facts.attempt.entries = entries;
  const progress = facts.events.reduce(advance, row.progress);
  const head = entries.at(-1)?.hash ?? row.head;
  const changes = {
    size: row.size + facts.events.length,
    head,
    last_at: new Date(at),
    outcome: progress.outcome,
    finished_at: progress.outcome === null ? null : new Date(at),
  };
  // One round trip for all three; the parts of a WITH that change data are always carried out.
  await trx
    .with('added', (db) => db.insertInto('event').values(entries.map(({ seq, line, hash }) => ({ release: row.id, seq, line, hash }))))
    .with('moved', (db) =>
      db
        .updateTable('release')
        .set({ ...changes, progress: JSON.stringify(progress) })
        .where('id', '=', row.id),
    )
    .selectNoFrom(sql`pg_notify(${EVENT_CHANNEL}, ${`${row.id} ${changes.size}`})`.as('told'))
    .execute();
  return { ...row, ...changes, progress };
}

function chain(row: ReleaseRow, facts: Facts, at: Instant): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  // Only `seq` and `hash` of the entry before matter to the chain; its line stays in the table.
  let previous: LedgerEntry | null = row.size === 0 ? null : { seq: row.size - 1, line: '', hash: row.head };
  for (const event of facts.events) {
    previous = nextEntry(previous, { time: toIso(at), release: row.id, type: event.type, actor: facts.actor, data: asJson(event.data) });
    entries.push(previous);
  }
  return entries;
}

/** Event data is JSON by construction; its interfaces have no index signature, which is all the type lacks. */
function asJson(data: NewEvent['data']): JsonValue {
  return data as unknown as JsonValue;
}
