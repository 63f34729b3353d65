import { resolve } from 'node:path';
import type pg from 'pg';
import { SlipwayError, type Duration, type ErrorCode } from '../../kernel/index.ts';
import { connect } from '../access.ts';
import type { PassesEnd } from '../core/backfill/outcome.ts';
import { isConnectionLost, refusedError } from '../errors.ts';
import { checkSql } from './check.ts';
import { explainPieces } from './explain.ts';
import { loadRowFunction, type RowFunction } from './function.ts';
import { findWalk } from './key.ts';
import { serverFolder } from './server-folder.ts';
import { takeBackfillLock } from './lock.ts';
import { startMonitor, type Monitor } from './monitor.ts';
import { runPasses } from './passes.ts';
import type { BackfillRequest, BackfillResult, BatchRecord } from './ports.ts';
import { cutRanges } from './ranges.ts';
import {
  claimBackfill,
  definitionDigest,
  ensureBackfillTables,
  readBackfill,
  readRanges,
  recordEnd,
  writeRanges,
  type BackfillState,
} from './state.ts';

const RECONNECT_PAUSE_MS = 500;
/** A server that is restarted is back long before; one that is not needs a person. */
const RECONNECT_WITHIN_MS = 120_000;

/**
 * Changes the rows of a table in small transactions until the verification query finds none that is wrong, gently enough that
 * users do not notice. Where it was is recorded with the rows themselves, so it may be killed, stopped and run again at any time.
 * @throws SlipwayError `config_invalid` (no usable key, a condition that is no SQL, changed in the middle), `locked` (another run),
 * `fenced` (another run took over), `database_unreachable`, `database_refused` (read-only server, missing right)
 */
export async function runBackfill(request: BackfillRequest): Promise<BackfillResult> {
  const { clock } = request.effects;
  const startedAt = clock.monotonic();
  await checkSql(request.definition);
  const loaded = await loadChange(request);
  let lostAt: Duration | null = null;
  const onBatch = (record: BatchRecord): void => {
    // Only what was done ends a loss: a server that goes away with every batch must not be tried for ever.
    if (record.outcome === 'done') lostAt = null;
    request.onBatch?.(record);
  };
  for (;;) {
    try {
      return await runConnected({ ...request, onBatch }, loaded, startedAt);
    } catch (error) {
      // Before the first connection it is a wrong address, not a restart.
      if (!loaded.connected.value || !mayPass(error, lostAt !== null)) throw error;
      if (lostAt === null) request.onProgress?.('the connection to the database was lost; trying again');
      lostAt ??= clock.monotonic();
      if (clock.monotonic() - lostAt > RECONNECT_WITHIN_MS || request.signal?.aborted === true) throw error;
      await clock.sleep(RECONNECT_PAUSE_MS, request.signal);
    }
  }
}

/** A lost connection; and after one, the lock that the server has not yet taken from the session that is gone. */
function mayPass(error: unknown, again: boolean): boolean {
  if (!(error instanceof SlipwayError)) return isConnectionLost(error);
  return error.code === 'database_unreachable' || (again && error.code === 'locked');
}

interface Loaded {
  readonly compute: RowFunction | null;
  readonly source: string;
  readonly connected: { value: boolean };
}

async function loadChange({ definition, folder }: BackfillRequest): Promise<Loaded> {
  const connected = { value: false };
  if (definition.change.kind !== 'function') return { compute: null, source: '', connected };
  return { ...(await loadRowFunction(resolve(folder, definition.change.file))), connected };
}

async function runConnected(request: BackfillRequest, loaded: Loaded, startedAt: Duration): Promise<BackfillResult> {
  const { definition, access, effects } = request;
  const { name } = definition;
  const control = await connect(access, `backfill ${name}`);
  const again = loaded.connected.value;
  loaded.connected.value = true;
  let monitor: Monitor | null = null;
  let fence: number | null = null;
  try {
    await takeBackfillLock(control, name, effects.clock);
    await ensureBackfillTables(control);
    const walk = await findWalk(control, definition.table, definition.key);
    const sha256 = definitionDigest(definition, loaded.source);
    refuseChanged(await readBackfill(control, name), sha256, name);
    await explainPieces(control, definition, walk);
    fence = await claimBackfill(control, { name, sha256, again });
    if ((await readRanges(control, name)).length === 0) await writeRanges(control, name, await cutRanges(control, walk, request.workers));
    effects.faults.at('backfill.claimed');
    monitor = await startMonitor({
      client: control,
      walk,
      limits: definition.limits.health,
      clock: effects.clock,
      dataFolder: await serverFolder(control, access),
      name,
    });
    const end = await runPasses(
      request,
      { definition, walk, compute: loaded.compute, fence, faults: effects.faults },
      { control, monitor, startedAt },
    );
    await monitor.stop();
    monitor = null;
    await recordEnd(control, { name, fence, status: statusOf(end), because: end.because });
    return await resultOf(control, request, { end, startedAt });
  } catch (error) {
    const refused = refusedError(error, `the backfill ${name}`, access);
    if (fence !== null && refused instanceof SlipwayError && !CUT_OFF.has(refused.code))
      await recordEnd(control, { name, fence, status: 'failed', because: refused.message }).catch(() => undefined);
    throw refused;
  } finally {
    await monitor?.stop();
    await control.end().catch(() => undefined);
  }
}

/** Whoever is cut off, or overtaken, has nothing to record. */
const CUT_OFF: ReadonlySet<string> = new Set<ErrorCode>(['database_unreachable', 'fenced']);

const statusOf = ({ verdict }: PassesEnd) => (verdict === 'pass' ? 'done' : verdict === 'fail' ? 'failed' : 'stopped');

function refuseChanged(state: BackfillState | null, sha256: string, name: string): void {
  if (state === null || state.sha256 === sha256) return;
  throw new SlipwayError('config_invalid', `The backfill ${name} was changed since it began (${state.changed} rows are changed already)`, {
    hint: 'Put its definition back as it was, or begin again with --restart: rows that its condition does not find are left alone.',
  });
}

async function resultOf(
  control: pg.Client,
  request: BackfillRequest,
  { end, startedAt }: { readonly end: PassesEnd; readonly startedAt: Duration },
): Promise<BackfillResult> {
  const state = await readBackfill(control, request.definition.name);
  return {
    verdict: end.verdict,
    reason: end.because,
    scanned: state?.scanned ?? 0,
    changed: state?.changed ?? 0,
    batches: state?.batches ?? 0,
    passes: state?.pass ?? 0,
    quarantined: state?.quarantined ?? 0,
    wrong: end.wrong,
    durationMs: request.effects.clock.monotonic() - startedAt,
  };
}
