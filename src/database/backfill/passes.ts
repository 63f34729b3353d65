import type pg from 'pg';
import type { Duration, Verdict } from '../../kernel/index.ts';
import { connect } from '../access.ts';
import type { BatchWork } from './batch.ts';
import type { Monitor } from './monitor.ts';
import type { BackfillRequest } from './ports.ts';
import { walkRange, type RangeEnd, type Walking } from './run.ts';
import { nextPass, readBackfill, readRanges, type RangeState } from './state.ts';
import { countLeft, countWrong } from './verify.ts';

/** How the walks over the table ended, together. */
export interface PassesEnd {
  readonly verdict: Verdict;
  readonly because: string;
  readonly wrong: number | null;
}

interface Session {
  readonly control: pg.Client;
  readonly monitor: Monitor;
  readonly startedAt: Duration;
}

/** Rows that are held by others for so many walks are held for good. */
const MOST_IDLE_PASSES = 5;
const IDLE_PAUSE_MS = 1_000;

/** Walks over the table until no row is left that needs work: a row that was busy, or came since, is met by the next walk. */
export async function runPasses(
  request: BackfillRequest,
  work: Omit<BatchWork, 'range' | 'sparing'>,
  session: Session,
): Promise<PassesEnd> {
  const { control } = session;
  const { name } = work.definition;
  for (let idle = 0; ;) {
    const before = await changedSoFar(control, name);
    const end = await walkAll(request, work, session);
    if (end.kind === 'failed') return { verdict: 'fail', because: end.because, wrong: null };
    if (end.kind === 'stopped') return { verdict: 'unknown', because: `stopped: ${end.because}; run it again to go on`, wrong: null };
    request.onProgress?.('verifying');
    idle = (await changedSoFar(control, name)) === before ? idle + 1 : 0;
    const verified = await judge(control, work, idle);
    if (verified !== null) return verified;
    if (idle > 0) await request.effects.clock.sleep(IDLE_PAUSE_MS, request.signal);
    await nextPass(control, name, work.fence);
  }
}

const changedSoFar = async (control: pg.Client, name: string): Promise<number> => (await readBackfill(control, name))?.changed ?? 0;

/** Asks the verification query; null when another walk may find what is still wrong. */
async function judge(
  control: pg.Client,
  { definition, walk }: Omit<BatchWork, 'range' | 'sparing'>,
  idle: number,
): Promise<PassesEnd | null> {
  const wrong = await countWrong(control, definition, walk);
  if (wrong === 0) return { verdict: 'pass', because: `no row is wrong: ${definition.verify ?? `NOT (${definition.where})`}`, wrong };
  const left = await countLeft(control, definition, walk);
  const quarantined = (await readBackfill(control, definition.name))?.quarantined ?? 0;
  const hopeless = hopelessBecause({ wrong, left, quarantined, idle });
  return hopeless === null ? null : { verdict: 'fail', because: hopeless, wrong };
}

/** Why another walk would change nothing; null when it may. */
function hopelessBecause(facts: {
  readonly wrong: number;
  readonly left: number;
  readonly quarantined: number;
  readonly idle: number;
}): string | null {
  const { wrong, left, quarantined, idle } = facts;
  if (left === 0) return `\`verify\` says that ${wrong} rows are wrong, and \`where\` finds none to change: one of the two is not right`;
  if (idle > 0 && left <= quarantined)
    return `${left} rows are left, which are set aside: repair them or what is done with them, then run it again with --retry`;
  if (idle >= MOST_IDLE_PASSES) return `${left} rows are left and could not be changed in ${idle} walks: others hold them`;
  return null;
}

/** All parts of the table at once, each on a connection of its own; the first that fails ends the others. */
async function walkAll(request: BackfillRequest, work: Omit<BatchWork, 'range' | 'sparing'>, session: Session): Promise<RangeEnd> {
  const { name } = work.definition;
  const state = await readBackfill(session.control, name);
  const ending = new AbortController();
  const onAbort = (): void => ending.abort();
  request.signal?.addEventListener('abort', onAbort);
  if (request.signal?.aborted === true) ending.abort();
  const walking: Walking = {
    request,
    work,
    monitor: session.monitor,
    startedAt: session.startedAt,
    quarantined: { count: state?.quarantined ?? 0 },
    wanted: { value: state?.wanted ?? 'run' },
    ending,
  };
  try {
    const open = (await readRanges(session.control, name)).filter(({ done }) => !done);
    const settled = await Promise.allSettled(open.map((range) => walkOne(walking, range)));
    const thrown = settled.find((one) => one.status === 'rejected');
    if (thrown !== undefined) throw thrown.reason;
    const ends = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    return ends.find(({ kind }) => kind === 'failed') ?? ends.find(({ kind }) => kind === 'stopped') ?? { kind: 'done' };
  } finally {
    request.signal?.removeEventListener('abort', onAbort);
  }
}

async function walkOne(walking: Walking, range: RangeState): Promise<RangeEnd> {
  const { request, work, ending } = walking;
  let client: pg.Client | null = null;
  try {
    client = await connect(request.access, `backfill ${work.definition.name}`);
    const end = await walkRange(walking, client, range);
    if (end.kind === 'failed') ending.abort();
    return end;
  } catch (error) {
    ending.abort();
    throw error;
  } finally {
    await client?.end().catch(() => undefined);
  }
}
