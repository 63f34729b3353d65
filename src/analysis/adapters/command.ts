import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, type Clock, type Exec } from '../../kernel/index.ts';
import { silent, type Measured, type Reading } from '../core/reading.ts';
import type { MetricSource } from '../ports.ts';

export interface CommandSourceOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Values to hide in what it prints. */
  readonly secrets: readonly string[];
  readonly timeoutMs: number;
  readonly exec: Exec;
  readonly clock: Clock;
}

/** Two versions' buckets take a few kilobytes. */
const MOST_BYTES = 64 * 1024;

const counts = z.strictObject({ requests: z.number(), bad: z.number() });
const histogram = z.strictObject({ bounds: z.array(z.number().nullable()), counts: z.array(z.number()) });
const extras = { at: z.number().optional(), epoch: z.union([z.string(), z.number()]).optional() };
const printed = z.union([
  z.strictObject({ canary: counts, stable: counts, ...extras }),
  z.strictObject({ canary: histogram, stable: histogram, ...extras }),
  z.strictObject({ canary: z.number(), stable: z.number(), ...extras }),
]);

/**
 * Counts from a program's output: JSON in its last line, `{"canary": {"requests", "bad"}, "stable": {...}}`, or with
 * `{"bounds", "counts"}` (the last bound null), or with plain numbers for a gauge; `at` (ms) and `epoch` may stand beside them.
 */
export function createCommandSource(options: CommandSourceOptions): MetricSource {
  return {
    read: async ({ service, environment, canary, stable }, signal) => {
      const variables = {
        SLIPWAY_SERVICE: service,
        SLIPWAY_ENVIRONMENT: environment,
        SLIPWAY_CANARY_VERSION: canary.version,
        SLIPWAY_CANARY_GROUP: canary.group,
        SLIPWAY_STABLE_VERSION: stable.version,
        SLIPWAY_STABLE_GROUP: stable.group,
      };
      try {
        return await run(options, variables, signal);
      } catch (error) {
        return silent(`"${nameOf(options)}" could not be run: ${messageOf(error)}`);
      }
    },
  };
}

async function run(options: CommandSourceOptions, variables: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Reading> {
  const { argv, cwd, env, secrets, timeoutMs, exec, clock } = options;
  const name = nameOf(options);
  const folder = await mkdtemp(join(tmpdir(), 'slipway-metric-'));
  try {
    const logFile = join(folder, 'output');
    const startedAt = clock.now();
    const result = await exec({
      argv,
      cwd,
      env: { ...env, ...variables },
      timeoutMs,
      logFile,
      secrets,
      maxLogBytes: MOST_BYTES,
      graceMs: 500,
      signal,
    });
    if (result.timedOut) return silent(`"${name}" took longer than ${timeoutMs} ms`);
    if (result.isCanceled) return silent('the reading was ended early');
    if (result.exitCode !== 0) return silent(`"${name}" ${endOf(result.exitCode, result.signal)}${lastLine(result.tail)}`);
    if (result.log.truncated) return silent(`"${name}" printed more than ${MOST_BYTES / 1024} KiB`);
    return readingOf(await readFile(logFile, 'utf8'), name, startedAt);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf({ argv }: CommandSourceOptions): string {
  return argv.slice(0, 3).join(' ');
}

function endOf(exitCode: number | null, signal: string | null): string {
  return signal === null ? `exited with ${exitCode}` : `was ended by ${signal}`;
}

function lastLine(tail: string): string {
  const line = tail.trimEnd().split('\n').at(-1) ?? '';
  return line === '' ? '' : `: ${line.slice(0, 200)}`;
}

/** What was printed, as a reading. The moment is when it began, unless it says otherwise: what it counts happened before. */
function readingOf(output: string, name: string, startedAt: number): Reading {
  const json = parseJson(output) ?? parseJson(output.trimEnd().split('\n').at(-1) ?? '');
  if (json === undefined) return silent(`"${name}" printed no JSON in its last line`);
  const parsed = printed.safeParse(json);
  if (!parsed.success)
    return silent(
      `"${name}" printed JSON without {"canary": {"requests": n, "bad": n}, "stable": {...}}, or with something else beside it`,
    );
  const { at = startedAt, epoch = '', ...versions } = parsed.data;
  const measured = measuredOf(versions);
  return measured === null
    ? silent(`"${name}" printed other numbers for one version than for the other`)
    : { ...measured, at, epoch: String(epoch) };
}

function measuredOf({ canary, stable }: { readonly canary: unknown; readonly stable: unknown }): Measured | null {
  if (typeof canary === 'number' && typeof stable === 'number') return { kind: 'gauge', versions: { canary, stable } };
  if (isCounts(canary) && isCounts(stable)) return { kind: 'counts', versions: { canary, stable } };
  return isHistogram(canary) && isHistogram(stable) ? { kind: 'histogram', versions: { canary, stable } } : null;
}

function isCounts(value: unknown): value is z.output<typeof counts> {
  return typeof value === 'object' && value !== null && 'requests' in value;
}

function isHistogram(value: unknown): value is z.output<typeof histogram> {
  return typeof value === 'object' && value !== null && 'bounds' in value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
