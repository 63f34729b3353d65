import { sql } from 'kysely';
import {
  NoFlag,
  refuseUnexplained,
  type Flag,
  type FlagChange,
  type FlagWrite,
  type Segment,
  type WantedChange,
  type WantedWrite,
} from '../../flags/index.ts';
import { SlipwayError, toIso, type Faults } from '../../kernel/index.ts';
import type { Db, Session, Trx } from '../session.ts';
import { changeOf, writeOnce } from './once.ts';
import { FLAG_CHANNEL } from './schema.ts';

/**
 * Commits a change: the definitions, the history and the notification, in one transaction. One writer per environment at a time.
 * @throws SlipwayError `flag_conflict`, `flag_exists`, `reason_missing`
 */
export async function commitChange(session: Session, faults: Faults, change: WantedChange): Promise<FlagChange> {
  const made = await commitAt(session, faults, { change, checkedAt: null });
  if (made === null) throw new Error('A change that nobody checked does not depend on others');
  return made;
}

/** The same, but null when the environment is not at `checkedAt` any more. */
export async function commitAt(
  session: Session,
  faults: Faults,
  { change, checkedAt }: { readonly change: WantedChange; readonly checkedAt: number | null },
): Promise<FlagChange | null> {
  refuseNonsense(change);
  const made = await writeOnce(session, change.environment, async (trx, attempt) => {
    await refuseUnexplained({ needsReasons: (environment) => reasonsRequired(trx, environment) }, change);
    if (checkedAt !== null && checkedAt !== (await seqOf(trx, change.environment))) return null;
    const writes = await withBefore(trx, change);
    const { seq, at } = await advance(trx, change.environment);
    faults.at('flags.advanced');
    for (const write of writes) await apply(trx, change.environment, seq, write);
    faults.at('flags.written');
    const row = { environment: change.environment, seq, at, actor: change.actor, reason: change.reason, action: change.action };
    await record(trx, { ...row, acknowledge: change.acknowledge, writes, attempt });
    faults.at('flags.recorded');
    return { ...row, at: at.getTime(), acknowledge: change.acknowledge, writes };
  });
  faults.at('flags.committed');
  return made;
}

/** Whether each change of the environment must say why. */
export async function reasonsRequired(db: Db | Trx, name: string): Promise<boolean> {
  const row = await db.selectFrom('flag_environment').select('reasons_required').where('name', '=', name).executeTakeFirst();
  return row?.reasons_required ?? false;
}

async function seqOf(trx: Trx, name: string): Promise<number> {
  return (await trx.selectFrom('flag_environment').select('seq').where('name', '=', name).executeTakeFirst())?.seq ?? 0;
}

/** Our own callers' mistakes. */
function refuseNonsense({ writes }: WantedChange): void {
  const names = new Set(writes.map(({ kind, key }) => `${kind} ${key}`));
  if (names.size === 0 || names.size !== writes.length) throw new Error('A change of flags writes something, and nothing twice');
}

/** What each write finds. The environment is guarded, so nobody changes it before the commit. */
async function withBefore(trx: Trx, { environment, writes }: WantedChange): Promise<readonly FlagWrite[]> {
  const flags = await found(trx, environment, 'flag', writes);
  const segments = await found(trx, environment, 'flag_segment', writes);
  const answer: FlagWrite[] = [];
  for (const write of writes) {
    const now = (write.kind === 'flag' ? flags : segments).get(write.key) ?? null;
    if (write.revision === 'newest') {
      answer.push(await ofNewest(trx, environment, write, now));
      continue;
    }
    if ((now?.revision ?? null) !== write.revision) throw await conflict(trx, environment, write, now?.revision ?? null);
    const before = now?.definition ?? null;
    // The table a definition stands in is its kind, which the type system cannot know.
    answer.push({ kind: write.kind, key: write.key, before, after: write.after } as FlagWrite);
  }
  return answer;
}

type ToNewest = Extract<WantedWrite, { readonly revision: 'newest' }>;

async function ofNewest(trx: Trx, environment: string, { key, knows, after }: ToNewest, now: Found | null): Promise<FlagWrite> {
  if (now === null) throw new NoFlag(environment, key);
  const before = now.definition as Flag;
  return { kind: 'flag', key, before, after: after(before, knows === undefined ? [] : await changedSince(trx, environment, key, knows)) };
}

async function changedSince(trx: Trx, environment: string, key: string, seq: number): Promise<readonly FlagChange[]> {
  const rows = await trx
    .selectFrom('flag_change')
    .selectAll()
    .where('environment', '=', environment)
    .where('seq', '>', seq)
    .where(sql<boolean>`keys @> array[${key}]::text[]`)
    .orderBy('seq')
    .execute();
  return rows.map(changeOf);
}

interface Found {
  readonly revision: number;
  readonly definition: Flag | Segment;
}

async function found(
  trx: Trx,
  environment: string,
  table: 'flag' | 'flag_segment',
  writes: readonly WantedWrite[],
): Promise<ReadonlyMap<string, Found>> {
  const keys = writes.filter(({ kind }) => tableOf(kind) === table).map(({ key }) => key);
  if (keys.length === 0) return new Map();
  const rows = await trx
    .selectFrom(table)
    .select(['key', 'revision', 'definition'])
    .where('environment', '=', environment)
    .where('key', 'in', keys)
    .execute();
  return new Map(rows.map(({ key, revision, definition }) => [key, { revision, definition }]));
}

function tableOf(kind: 'flag' | 'segment'): 'flag' | 'flag_segment' {
  return kind === 'flag' ? 'flag' : 'flag_segment';
}

async function conflict(
  trx: Trx,
  environment: string,
  { kind, key, revision }: Exclude<WantedWrite, ToNewest>,
  now: number | null,
): Promise<SlipwayError> {
  const what = `The ${kind} ${key} in ${environment}`;
  if (now === null) return new SlipwayError('flag_conflict', `${what} is gone; this change was made from revision ${revision}`);
  const { actor, at } = await trx
    .selectFrom('flag_change')
    .select(['actor', 'at'])
    .where('environment', '=', environment)
    .where('seq', '=', now)
    .executeTakeFirstOrThrow();
  const who = `by ${actor} at ${toIso(at.getTime())} (revision ${now})`;
  // Who makes something has named no state of it that could be another one by now.
  if (revision === null) return new SlipwayError('flag_exists', `${what} is there already, changed ${who}`);
  return new SlipwayError('flag_conflict', `${what} was changed ${who}; this change was made from revision ${revision}`);
}

/** The next number of the environment, and a time that is never before the last one's. */
export async function advance(trx: Trx, name: string): Promise<{ readonly seq: number; readonly at: Date }> {
  return trx
    .insertInto('flag_environment')
    .values({ name, seq: 1, at: sql<Date>`clock_timestamp()` })
    .onConflict((already) =>
      already.column('name').doUpdateSet({
        seq: sql`flag_environment.seq + 1`,
        at: sql`greatest(flag_environment.at, clock_timestamp())`,
      }),
    )
    .returning(['seq', 'at'])
    .executeTakeFirstOrThrow();
}

async function apply(trx: Trx, environment: string, revision: number, { kind, key, after }: FlagWrite): Promise<void> {
  const table = tableOf(kind);
  if (after === null) {
    await trx.deleteFrom(table).where('environment', '=', environment).where('key', '=', key).execute();
    return;
  }
  const definition = JSON.stringify(after);
  await trx
    .insertInto(table)
    .values({ environment, key, revision, definition })
    .onConflict((already) => already.columns(['environment', 'key']).doUpdateSet({ revision, definition }))
    .execute();
}

type Recorded = Omit<FlagChange, 'at'> & { readonly at: Date; readonly attempt: string };

/** Adds to the history, and tells every process. */
export async function record(trx: Trx, change: Recorded): Promise<void> {
  const keys = [...new Set(change.writes.map(({ key }) => key))];
  await trx
    .with('added', (db) => db.insertInto('flag_change').values({ ...change, writes: JSON.stringify(change.writes), keys }))
    .selectNoFrom(sql`pg_notify(${FLAG_CHANNEL}, ${change.environment})`.as('told'))
    .execute();
}
