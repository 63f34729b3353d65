import type pg from 'pg';
import { SlipwayError, type Duration } from '../../kernel/index.ts';
import { connect } from '../access.ts';
import { BEGINNING, endAfter, onward, type PassesEnd } from '../core/backfill/outcome.ts';
import { lastKeyQuery, type Key, type Walk } from '../core/backfill/sql.ts';
import { boundSession, type BatchWork } from './batch.ts';
import type { Monitor } from './monitor.ts';
import type { BackfillRequest } from './ports.ts';
import { walkRange, type RangeEnd, type Walking } from './run.ts';
import { nextPass, readBackfill, readRanges, type RangeState } from './state.ts';
import { countLeft, countWrong, findHolders } from './verify.ts';

interface Session {
  readonly control: pg.Client;
  readonly monitor: Monitor;
  readonly startedAt: Duration;
}

const IDLE_PAUSE_MS = 1_000;

/**
 * Walks over the table until no row is left that needs work: a row that was busy, or came since, is met by the next walk. Each walk
 * ends at the last key there was when it began, or it would follow a writer of new rows for ever.
 */
export async function runPasses(
  request: BackfillRequest,
  work: Omit<BatchWork, 'range' | 'sparing'>,
  session: Session,
): Promise<PassesEnd> {
  const { control } = session;
  const { name } = work.definition;
  for (let course = BEGINNING; ;) {
    const before = await changedSoFar(control, name);
    const end = await walkAll(request, work, { ...session, careful: course.idle > 0 });
    if (end.kind === 'failed') return { verdict: 'fail', because: end.because, wrong: null };
    if (end.kind === 'stopped') return { verdict: 'unknown', because: `${end.because}; run it again to go on`, wrong: null };
    request.onProgress?.('verifying');
    const counted = await countAll(control, work);
    if ('because' in counted) return { verdict: 'fail', because: counted.because, wrong: null };
    const changed = (await changedSoFar(control, name)) - before;
    course = onward(course, { changed, open: counted.open });
    const holders = course.idle === 0 ? [] : await findHolders(control, work.walk);
    const ended = endAfter({ ...counted, ...course, holders, changed: before + changed });
    if (ended !== null) return ended;
    request.onProgress?.(`${counted.open} rows still need work, which were held or came since; walking again`);
    if (course.idle > 0) await request.effects.clock.sleep(IDLE_PAUSE_MS, request.signal);
    await nextPass(control, name, work.fence);
  }
}

async function countAll(control: pg.Client, { definition, walk }: Omit<BatchWork, 'range' | 'sparing'>) {
  const { name, verify, where } = definition;
  const wrong = verify === null ? null : await verified(control, name, verify);
  if (typeof wrong === 'object' && wrong !== null) return wrong;
  const left = await countLeft(control, definition, walk);
  const passed = verify === null ? `no row is wrong: none is left with ${where}` : `no row is wrong: ${verify}`;
  return { ...left, wrong: wrong ?? left.open + left.aside, passed };
}

/** By now rows are changed: a verification that does not run is how the backfill ends, and no wrong use of it. */
async function verified(control: pg.Client, name: string, verify: string): Promise<number | { readonly because: string }> {
  try {
    return await countWrong(control, name, verify);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'config_invalid') return { because: `${error.message}. ${error.hint}` };
    throw error;
  }
}

const changedSoFar = async (control: pg.Client, name: string): Promise<number> => (await readBackfill(control, name))?.changed ?? 0;

async function lastKey(control: pg.Client, walk: Walk): Promise<Key | null> {
  return (await control.query<{ key: Key }>(lastKeyQuery(walk).text)).rows[0]?.key ?? null;
}

/** All parts of the table at once, each on a connection of its own; the first that fails ends the others. */
async function walkAll(
  request: BackfillRequest,
  work: Omit<BatchWork, 'range' | 'sparing'>,
  session: Session & { readonly careful: boolean },
): Promise<RangeEnd> {
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
    walk: state?.pass ?? 1,
    careful: session.careful,
  };
  try {
    const open = (await readRanges(session.control, name)).filter(({ done }) => !done);
    const last = await lastKey(session.control, work.walk);
    return worstOf(await Promise.allSettled(open.map((range) => walkOne(walking, endedAt(range, last)))));
  } finally {
    request.signal?.removeEventListener('abort', onAbort);
  }
}

function worstOf(settled: readonly PromiseSettledResult<RangeEnd>[]): RangeEnd {
  const thrown = settled.find((one) => one.status === 'rejected');
  if (thrown !== undefined) throw thrown.reason;
  const ends = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  return ends.find(({ kind }) => kind === 'failed') ?? ends.find(({ kind }) => kind === 'stopped') ?? { kind: 'done' };
}

const endedAt = (range: RangeState, last: Key | null): RangeState => ({
  ...range,
  span: { ...range.span, until: range.span.until ?? last },
});

async function walkOne(walking: Walking, range: RangeState): Promise<RangeEnd> {
  const { request, work, ending } = walking;
  let client: pg.Client | null = null;
  try {
    client = await connect(request.access, `backfill ${work.definition.name}`);
    await boundSession(client, work.definition.limits);
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
