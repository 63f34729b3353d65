import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  controlBackfill,
  forecastBackfill,
  lookAtBackfill,
  runBackfill,
  type BackfillControl,
  type BackfillRequest,
  type BackfillResult,
} from '../../database/index.ts';
import { ERRORS, messageOf, SlipwayError, type Duration, type ErrorCode } from '../../kernel/index.ts';
import { loadBackfill } from '../../config/index.ts';
import { backfillMeter, renderBackfill, renderBackfillState, renderEvidenceCheck, renderForecast } from '../output/backfill.ts';
import { refuseStrangeFolder, withConfig } from './shared/app.ts';
import { checkBackfillEvidence, openBackfillEvidence, type BackfillEvidence } from './shared/backfill-evidence.ts';
import { declaredDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

const WORKERS = [1, 32] as const;
const OVERTAKEN: ReadonlySet<string> = new Set<ErrorCode>(['fenced', 'locked']);
const CONTROLS: readonly BackfillControl[] = ['pause', 'resume', 'stop'];

/** Changes the rows of a table while users work with it; what else can be asked of that is an option. */
export const run: Handler = async (call) => {
  const [name = ''] = call.args;
  await refuseStrangeFolder(call);
  const { definition, folder } = await loadBackfill(call.directory, name);
  const workers = text(call, 'workers') === undefined ? 1 : wholeNumber('--workers', text(call, 'workers') ?? '', WORKERS);
  return withConfig(call, async (app, config) => {
    const { environment } = config.definition;
    const file = join(app.places.home, 'backfills', environment, `${name}.jsonl`);
    if (flag(call, 'evidence')) return checkEvidence(call, file, name);
    const { access } = await declaredDatabase(app, config.definition);
    const request: BackfillRequest = { access, definition, folder, workers, effects: app.effects };
    if (flag(call, 'status')) return status(call, request);
    if (flag(call, 'dryRun')) return dryRun(call, request);
    const control = CONTROLS.find((one) => flag(call, one));
    if (control !== undefined) return ask(call, request, control);
    for (const before of ['restart', 'retry'] as const) if (flag(call, before)) await controlBackfill(access, name, before);
    return work(
      call,
      request,
      openBackfillEvidence(file, () => app.effects.clock.now(), startOf(request, environment)),
    );
  });
};

/** What a run does, and where: an auditor has nothing but this file. */
function startOf({ access, definition }: BackfillRequest, environment: string): Readonly<Record<string, unknown>> {
  const { table, key, where, change, verify } = definition;
  return { environment, database: access.name, table, key, where, change, verify };
}

async function status({ terminal }: Call, { access, definition }: BackfillRequest): Promise<number> {
  const { state, rows } = await lookAtBackfill(access, definition);
  if (terminal.json) terminal.data({ backfill: definition.name, state, rows });
  else terminal.say(renderBackfillState(definition.name, state, rows, terminal.style));
  return 0;
}

async function dryRun({ terminal }: Call, request: BackfillRequest): Promise<number> {
  const forecast = await forecastBackfill(request);
  if (terminal.json) terminal.data({ backfill: request.definition.name, forecast });
  else terminal.say(renderForecast(request.definition, forecast));
  return forecast.stays || forecast.refused > 0 ? ERRORS.gate_blocked.exit : 0;
}

async function ask({ terminal }: Call, { access, definition }: BackfillRequest, control: BackfillControl): Promise<number> {
  const running = await controlBackfill(access, definition.name, control);
  const heard = running ? 'it hears that before its next batch' : 'but it does not run now, and begins anew without it';
  if (terminal.json) terminal.data({ backfill: definition.name, asked: control, running });
  else terminal.say(`Asked ${definition.name} to ${control}; ${heard}.`);
  return 0;
}

async function work(call: Call, request: BackfillRequest, evidence: BackfillEvidence): Promise<number> {
  const { terminal } = call;
  const { definition, access, effects } = request;
  const interrupt = onInterrupt();
  const meter = backfillMeter(terminal, await lookAtBackfill(access, definition), effects.clock);
  // Parts of the table wait side by side.
  const waited = new Map<number, Duration>();
  try {
    const result = await runBackfill({
      ...request,
      signal: interrupt.signal,
      onBatch: (record) => {
        evidence.write({ kind: 'batch', ...record });
        meter.batch(record);
      },
      onWait: (why) => meter.waits(why),
      onWaited: (record) => {
        evidence.write({ kind: 'wait', ...record });
        waited.set(record.range, (waited.get(record.range) ?? 0) + record.tookMs);
      },
      onProgress: (line) => meter.line(line),
    });
    meter.end();
    const waitedMs = Math.max(0, ...waited.values());
    const sealed = { file: evidence.file, sha256: evidence.seal({ kind: 'end', ...result }) };
    if (terminal.json) terminal.data({ backfill: definition.name, ...result, waitedMs, evidence: sealed });
    else terminal.say(renderBackfill(definition.name, { ...result, waitedMs }, sealed, terminal.style));
    return exitOf(result, interrupt.signal.aborted);
  } catch (error) {
    // Whoever is overtaken must not write any more: the other run may be writing.
    if (!(error instanceof SlipwayError && OVERTAKEN.has(error.code)))
      evidence.sealIfBegun({ kind: 'end', verdict: 'unknown', reason: effects.redact(messageOf(error)) });
    throw error;
  } finally {
    meter.end();
    interrupt.release();
  }
}

function exitOf({ verdict }: BackfillResult, interrupted: boolean): number {
  if (verdict === 'pass') return 0;
  return interrupted ? INTERRUPTED : ERRORS.gate_blocked.exit;
}

/** Checks what was kept of earlier runs; asks no database. */
function checkEvidence({ terminal }: Call, file: string, name: string): number {
  if (!existsSync(file)) throw new SlipwayError('not_found', `Nothing is kept of the backfill ${name}: there is no ${file}`);
  const check = checkBackfillEvidence(readFileSync(file));
  if (terminal.json) terminal.data({ backfill: name, evidence: { file, ...check } });
  else terminal.say(renderEvidenceCheck(file, check, terminal.style));
  return { pass: 0, fail: ERRORS.evidence_invalid.exit, unknown: ERRORS.gate_blocked.exit }[check.verdict];
}
