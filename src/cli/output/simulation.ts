import { catchPlot, plotLines, tellValue, type WhatIf, type WhatIfAnswer } from '../../analysis/index.ts';
import { formatDuration, type Duration } from '../../kernel/index.ts';
import { table } from './table.ts';
import { isAsciiOnly, type Terminal } from './terminal.ts';

const WIDEST_PLOT = 100;

interface Shown {
  readonly notes: readonly string[];
  readonly terminal: Terminal;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The question, a table and a plot. */
export function renderAnswers(what: WhatIf, answers: readonly WhatIfAnswer[], { notes, terminal, environment }: Shown): string {
  const { style, width } = terminal;
  const head = ['canary fails', 'caught', 'median', '95 of 100', 'harmed', 'let through', 'still open'];
  const rows = answers.filter(({ errors }) => errors !== null).map(answerRow);
  return [
    style.bold(questionLine(what)),
    style.dim(scheduleLine(what)),
    ...notes.map((note) => style.dim(note)),
    '',
    table([head, ...rows]),
    '',
    ...answers.filter(({ errors }) => errors === null).map(healthyLine),
    '',
    ...plotLines(catchPlot(what, answers), { width: Math.min(width, WIDEST_PLOT), rows: 1, ascii: isAsciiOnly(environment) }),
    '',
    style.dim(
      `${what.runs} runs each, seed ${what.seed} (--seed ${what.seed} repeats them). Simulated: independent requests, a source without delay; see docs/judge.md`,
    ),
  ].join('\n');
}

function questionLine({ perMinute, baseline, withinMs, onsetMs }: WhatIf): string {
  const onset = onsetMs === 0 ? '' : `, turning bad after ${formatDuration(onsetMs)}`;
  return `${Number(perMinute.toPrecision(3))} requests per minute, ${tellValue('share', baseline)} of them failing; ${formatDuration(withinMs)}${onset}`;
}

function scheduleLine({ schedule, policy }: WhatIf): string {
  const weights = schedule.map(
    ({ share, forMs }) => `${Math.round(share * 100)} % for ${forMs === 0 ? 'as long as it takes' : formatDuration(forMs)}`,
  );
  return `judge ${policy.kind}; ${weights.join(', ')}; each weight is held until it passes`;
}

function answerRow({ errors, failed, failMs, harmed, passed, unknown }: WhatIfAnswer): readonly string[] {
  return [
    tellValue('share', errors ?? 0),
    tellValue('share', failed),
    time(failMs.median),
    time(failMs.p95),
    requests(harmed),
    tellValue('share', passed),
    tellValue('share', unknown),
  ];
}

function healthyLine({ failed, failedAtMost, passed, unknown, passMs }: WhatIfAnswer): string {
  const through = passed === 0 ? 'none passed in time' : `${tellValue('share', passed)} passed (half of them by ${time(passMs.median)})`;
  return `a canary that is no worse: ${tellValue('share', failed)} rolled back (at most ${tellValue('share', failedAtMost)}, at 95 %), ${through}, ${tellValue('share', unknown)} still open at the end`;
}

function time(ms: Duration | null): string {
  return ms === null ? '-' : formatDuration(ms);
}

function requests(harmed: number): string {
  return harmed < 10 ? harmed.toFixed(1) : String(Math.round(harmed));
}

/** The same as one document. Times are milliseconds, shares 0 to 1. */
export function documentOf(
  what: WhatIf,
  answers: readonly WhatIfAnswer[],
  { notes, svg }: { readonly notes: readonly string[]; readonly svg: string | null },
): object {
  const { runs, seed, perMinute, baseline, withinMs, onsetMs, schedule, policy } = what;
  const rows = answers.map(({ caughtMs: _times, runs: _runs, seed: _seed, ...answer }) => answer);
  return {
    runs,
    seed,
    perMinute,
    baseline,
    withinMs,
    onsetMs,
    schedule,
    judge: policy.kind,
    notes,
    svg,
    healthy: rows.find(({ errors }) => errors === null),
    canaries: rows.filter(({ errors }) => errors !== null),
  };
}
