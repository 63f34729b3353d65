import type { BackfillDefinition, BackfillForecast, BackfillResult, BackfillState, BatchRecord } from '../../database/index.ts';
import { progressOf } from '../../database/index.ts';
import { formatDuration, type Clock, type Duration } from '../../kernel/index.ts';
import type { EvidenceCheck } from '../commands/shared/backfill-evidence.ts';
import { verdictWord, type Style } from './style.ts';
import { fit, table } from './table.ts';
import type { Terminal } from './terminal.ts';

const EVERY_MS = 200;
/** A rate over the last seconds: what it did an hour ago says little of when it ends. */
const RECENT_MS = 10_000;
const LINE_EVERY_MS = 10_000;

/** Shows a running backfill: a line that is redrawn on a terminal, a line now and then in a log. */
export interface BackfillMeter {
  batch(record: BatchRecord): void;
  waits(why: string | null): void;
  line(text: string): void;
  end(): void;
}

export function backfillMeter(
  terminal: Terminal,
  { state, rows }: { readonly state: BackfillState | null; readonly rows: number },
  clock: Clock,
): BackfillMeter {
  let walk = state?.pass ?? 1;
  // What walks before this one looked at says nothing of how far it is.
  let scanned = state === null || state.status === 'done' || walk > 1 ? 0 : state.scanned;
  let changed = state?.changed ?? 0;
  let why: string | null = null;
  let drawnAt: Duration = Number.NEGATIVE_INFINITY;
  let last: readonly { readonly at: Duration; readonly scanned: number }[] = [{ at: clock.monotonic(), scanned }];
  const text = (now: Duration): string => {
    const first = last[0] ?? { at: now, scanned };
    const figures = progressOf(scanned, rows, scanned - first.scanned, now - first.at);
    const share = figures.total === 0 ? 1 : figures.scanned / figures.total;
    const parts = [
      `${terminal.live ? `${bar(share)} ` : ''}${Math.floor(share * 100)} %${walk === 1 ? '' : ` of walk ${walk}`}`,
      why === null ? `${count(figures.perSecond)} rows/s${leftText(figures.leftMs)}` : `waits: ${why}`,
      `${count(figures.scanned)} of about ${count(figures.total)} rows`,
      `${count(changed)} changed`,
    ];
    return parts.join(', ');
  };
  const clear = (): void => {
    if (terminal.live) terminal.raw('\r\u001B[K');
  };
  const draw = (): void => {
    const now = clock.monotonic();
    if (terminal.json || now - drawnAt < (terminal.live ? EVERY_MS : LINE_EVERY_MS)) return;
    drawnAt = now;
    if (terminal.live) terminal.raw(`\r\u001B[K${fit(text(now), terminal.width - 1)}`);
    else terminal.say(text(now));
  };
  return {
    batch: (record) => {
      if (record.walk > walk) {
        [walk, scanned] = [record.walk, 0];
        last = [{ at: clock.monotonic(), scanned }];
      }
      scanned += record.scanned;
      changed += record.changed;
      const now = clock.monotonic();
      last = [...last.filter(({ at }) => now - at <= RECENT_MS), { at: now, scanned }];
      draw();
    },
    waits: (reason) => {
      why = reason;
      draw();
    },
    line: (said) => {
      clear();
      if (!terminal.json) terminal.say(said);
    },
    end: clear,
  };
}

const BAR = 20;

const bar = (share: number): string => {
  const full = Math.min(BAR, Math.floor(share * BAR));
  return `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
};

function leftText(leftMs: Duration | null): string {
  if (leftMs === null) return '';
  return leftMs < 1_000 ? ', nearly done' : `, about ${formatDuration(Math.round(leftMs / 1_000) * 1_000)} left`;
}

/** How a run ended, for people. */
export function renderBackfill(
  name: string,
  result: BackfillResult & { readonly waitedMs: Duration },
  evidence: { readonly file: string; readonly sha256: string },
  style: Style,
): string {
  const rows = [
    [
      'changed',
      `${count(result.changed)} rows in ${count(result.batches)} batches, ${result.passes} ${result.passes === 1 ? 'walk' : 'walks'}`,
    ],
    ['set aside', `${count(result.quarantined)} rows`],
    [
      'took',
      `${formatDuration(Math.round(result.durationMs))}${result.waitedMs < 1_000 ? '' : `, of which ${formatDuration(Math.round(result.waitedMs))} waiting for the database`}`,
    ],
    ['evidence', `${evidence.file} (sha256 ${evidence.sha256})`],
  ];
  const aside = result.quarantined === 0 ? '' : `\nLook at them: SELECT * FROM slipway_history.backfill_quarantine WHERE name = '${name}'`;
  return `${verdictWord(result.verdict, style)} ${name}: ${result.reason}\n\n${table(rows, '  ')}${aside}`;
}

export function renderBackfillState(name: string, state: BackfillState | null, rows: number, style: Style): string {
  if (state === null) return `${name} never ran here; its table has about ${count(rows)} rows.`;
  const doing = state.status === 'running' && state.wanted !== 'run' ? `running, asked to ${state.wanted}` : state.status;
  const lines = [
    ['status', `${doing}${state.because === '' ? '' : `: ${state.because}`}`],
    ['walked over', `${count(state.scanned)} of about ${count(rows)} rows, walk ${state.pass}`],
    ['changed', `${count(state.changed)} rows in ${count(state.batches)} batches`],
    ['set aside', `${count(state.quarantined)} rows`],
  ];
  return `${style.bold(name)}\n${table(lines, '  ')}`;
}

/** What a dry run found. */
export function renderForecast(definition: BackfillDefinition, forecast: BackfillForecast): string {
  const { takesMs, walBytes, keptWalBytes, hot } = forecast;
  const lines = [
    ['table', `${forecast.table} along ${forecast.key.join(', ')}, about ${count(forecast.rows)} rows`],
    ['to change', `${forecast.counted ? '' : 'about '}${count(forecast.left)} rows where ${definition.where}`],
    [
      'takes',
      takesMs === null
        ? 'not known'
        : `${formatDuration(Math.round(takesMs[0]))} to ${formatDuration(Math.round(takesMs[1]))} when nothing holds it up`,
    ],
    [
      'writes',
      walBytes === null ? 'WAL: not known' : `about ${mebibytes(walBytes)} of WAL${walBytes > keptWalBytes ? beyond(keptWalBytes) : ''}`,
    ],
    ['grows', `the table by about ${mebibytes(forecast.bloatBytes)}, until vacuum frees the old rows`],
    ['HOT', `${hot.possible === null ? 'not known' : hot.possible ? 'possible' : 'no'}: ${hot.because}`],
    ['now', forecast.waits === null ? 'it would begin at once' : `it would wait: ${forecast.waits}`],
    ['tried', `${count(forecast.tried)} rows, in a transaction that was taken back`],
    ...(forecast.refused === 0 ? [] : [['refused', `${count(forecast.refused)} of them by the server; the run would set them aside`]]),
    ...(forecast.stays ? [['fails', '`where` is still true of a row that was changed, so the run would never end: it stops there']] : []),
  ];
  const unknown = forecast.unknown.length === 0 ? '' : `\nNot known: ${forecast.unknown.join('; ')}`;
  return `Dry run of ${definition.name}: nothing was changed\n${table(lines, '  ')}${unknown}`;
}

/** Zeros are written to a new file of 16 MiB while whoever commits waits. */
const beyond = (keptBytes: number): string =>
  `: beyond the ${mebibytes(keptBytes)} of files it keeps (min_wal_size) the server may have to make new ones, and commits wait for each`;

/** What a check of the evidence found. */
export function renderEvidenceCheck(file: string, { verdict, reason, runs }: EvidenceCheck, style: Style): string {
  const lines = runs.map(({ line, at, verdict: ended, sha256, agrees }) => [
    `line ${line}`,
    at,
    `ended with ${ended}`,
    agrees ? `sha256 ${sha256}` : style.bold('other lines than its digest says'),
  ]);
  return `${verdictWord(verdict, style)} ${file}: ${reason}${lines.length === 0 ? '' : `\n${table(lines, '  ')}`}`;
}

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const mebibytes = (bytes: number): string => `${count(bytes / 1024 ** 2)} MiB`;
