import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
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
import { ERRORS, toIso } from '../../kernel/index.ts';
import { loadBackfill } from '../../config/index.ts';
import type { App } from '../compose.ts';
import { backfillMeter, renderBackfill, renderBackfillState, renderForecast } from '../output/backfill.ts';
import { withApp } from './shared/app.ts';
import { declaredDatabase } from './shared/database.ts';
import { INTERRUPTED, onInterrupt } from './shared/interrupt.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

const WORKERS = [1, 32] as const;
const CONTROLS: readonly BackfillControl[] = ['pause', 'resume', 'stop'];

/** Changes the rows of a table while users work with it; what else can be asked of that is an option. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const [name = ''] = call.args;
    const { definition, folder } = await loadBackfill(call.directory, name);
    const { access } = await declaredDatabase(call, app);
    const workers = text(call, 'workers') === undefined ? 1 : wholeNumber('--workers', text(call, 'workers') ?? '', WORKERS);
    const request: BackfillRequest = { access, definition, folder, workers, effects: app.effects };
    if (flag(call, 'status')) return status(call, request);
    if (flag(call, 'dryRun')) return dryRun(call, request);
    const control = CONTROLS.find((one) => flag(call, one));
    if (control !== undefined) return ask(call, request, control);
    for (const before of ['restart', 'retry'] as const) if (flag(call, before)) await controlBackfill(access, name, before);
    return work(call, app, request);
  });

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
  return 0;
}

async function ask({ terminal }: Call, { access, definition }: BackfillRequest, control: BackfillControl): Promise<number> {
  const running = await controlBackfill(access, definition.name, control);
  const heard = running ? 'it hears that before its next batch' : 'but it does not run now, and begins anew without it';
  if (terminal.json) terminal.data({ backfill: definition.name, asked: control, running });
  else terminal.say(`Asked ${definition.name} to ${control}; ${heard}.`);
  return 0;
}

async function work(call: Call, app: App, request: BackfillRequest): Promise<number> {
  const { terminal } = call;
  const { definition, access } = request;
  const interrupt = onInterrupt();
  const meter = backfillMeter(terminal, await lookAtBackfill(access, definition), app.effects.clock);
  const evidence = openEvidence(app, definition.name);
  try {
    const result = await runBackfill({
      ...request,
      signal: interrupt.signal,
      onBatch: (record) => {
        evidence.write({ kind: 'batch', ...record });
        meter.batch(record);
      },
      onWait: (why) => meter.waits(why),
      onProgress: (line) => meter.line(line),
    });
    meter.end();
    const sealed = evidence.end(result);
    if (terminal.json) terminal.data({ backfill: definition.name, ...result, evidence: sealed });
    else terminal.say(renderBackfill(definition.name, result, sealed, terminal.style));
    return exitOf(result, interrupt.signal.aborted);
  } finally {
    meter.end();
    interrupt.release();
  }
}

function exitOf({ verdict }: BackfillResult, interrupted: boolean): number {
  if (verdict === 'pass') return 0;
  return interrupted ? INTERRUPTED : ERRORS.gate_blocked.exit;
}

/** A line of JSON for each batch, and a last one with the digest of those of this run. */
function openEvidence({ places, effects }: App, name: string) {
  const folder = join(places.home, 'backfills');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${name}.jsonl`);
  const hash = createHash('sha256');
  const write = (entry: Readonly<Record<string, unknown>>): void => {
    const line = `${JSON.stringify({ at: toIso(effects.clock.now()), ...entry })}\n`;
    hash.update(line);
    appendFileSync(file, line, { mode: 0o600 });
  };
  return {
    write,
    end: (result: BackfillResult) => {
      const sha256 = hash.copy().digest('hex');
      write({ kind: 'end', ...result, sha256 });
      return { file, sha256 };
    },
  };
}
