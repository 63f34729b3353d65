import { plotLines, tellValue } from '../../analysis/index.ts';
import { formatDuration, isJsonObject, toIso, type JsonObject, type JsonValue, type Verdict } from '../../kernel/index.ts';
import { plotOf, type Decision } from '../../release/index.ts';
import { verdictWord } from './style.ts';
import { wrap } from './table.ts';
import { isAsciiOnly, type Terminal } from './terminal.ts';

const WIDEST_PLOT = 100;

/** What was decided at each checkpoint of a canary: a small plot, the numbers, and why. Nothing for a release without one. */
export function renderDecisions(
  decisions: readonly Decision[],
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (decisions.length === 0) return [];
  const ascii = isAsciiOnly(environment);
  return [terminal.style.bold('decisions'), ...decisions.flatMap((one) => decisionLines(one, terminal, ascii))];
}

function decisionLines(decision: Decision, { style, width }: Terminal, ascii: boolean): readonly string[] {
  const { step, judge, verdict, reason, startedAt, decidedAt } = decision;
  const metrics = listOf(decision.judgement['metrics']);
  const shown = decision.series.find(({ metric }) => metric === decidingMetric(decision, metrics)) ?? decision.series[0];
  const plot = shown === undefined ? [] : plotLines(plotOf(decision, shown), { width: Math.min(width, WIDEST_PLOT) - 6, rows: 1, ascii });
  const head = `  ${verdictWord(verdict, style)} ${step} ${style.dim(`${toIso(decidedAt)}, ${formatDuration(decidedAt - startedAt)} after it began, judge ${judge}`)}`;
  return [
    head,
    `      ${wrap(reason, width - 6, '      ')}`,
    ...plot.map((line) => `      ${line}`),
    ...metrics.flatMap((metric) => metricLines(metric, decision.judgement).map((line) => `      ${wrap(line, width - 6, '          ')}`)),
  ];
}

/** The metric that has the verdict of the whole, as the sentence has it. */
function decidingMetric({ judgement }: Decision, metrics: readonly JsonObject[]): string | null {
  const found = metrics.find(({ verdict }) => verdict === judgement['verdict']);
  return typeof found?.['name'] === 'string' ? found['name'] : null;
}

/** Sample sizes, then what they were held against. */
function metricLines(metric: JsonObject, { thresholds }: JsonObject): readonly string[] {
  const { name, verdict, seen, ratio, logE, compared, shift } = metric;
  const samples = isJsonObject(seen) ? `: canary ${armText(seen['canary'])}, stable ${armText(seen['stable'])}` : '';
  const held =
    isJsonObject(logE) && isJsonObject(thresholds) ? [evidenceLine(logE, thresholds, ratio)] : listOf(compared).map(comparedLine);
  const shifted = isJsonObject(shift) ? [`shift: ${textOf(shift['direction'])} than the stable version, reported and not acted on`] : [];
  return [`${textOf(name)} ${verdictText(verdict)}${samples}`, ...[...held, ...shifted].map((line) => `  ${line}`)];
}

function verdictText(verdict: JsonValue | undefined): string {
  return (['pass', 'fail', 'unknown'] satisfies readonly Verdict[]).find((one) => one === verdict)?.toUpperCase() ?? '';
}

function armText(arm: JsonValue | undefined): string {
  if (!isJsonObject(arm)) return 'none';
  const [bad, requests] = [Number(arm['bad']), Number(arm['requests'])];
  return requests === 0 ? 'no requests' : `${bad} of ${requests} bad (${tellValue('share', bad / requests)})`;
}

/** Which e-value is held against which threshold. */
const EVIDENCE: readonly (readonly [words: string, evidence: string, threshold: string])[] = [
  ['worse', 'bad', 'bad'],
  ['became worse', 'change', 'change'],
  ['above the limit', 'limit', 'guard'],
  ['catastrophe', 'catastrophe', 'guard'],
  ['below the margin', 'good', 'good'],
  ['clean', 'clean', 'good'],
];

function evidenceLine(logE: JsonObject, thresholds: JsonObject, ratio: JsonValue | undefined): string {
  const told = EVIDENCE.flatMap(([words, evidence, threshold]) => {
    const [has, needs] = [logE[evidence], thresholds[threshold]];
    return typeof has === 'number' && typeof needs === 'number' ? [`${words} ${fromLog(has)} of ${fromLog(needs)}`] : [];
  });
  return `e-values: ${told.join(', ')}${ratioText(ratio)}`;
}

function ratioText(ratio: JsonValue | undefined): string {
  if (!isJsonObject(ratio) || typeof ratio['estimate'] !== 'number') return '';
  const { estimate, low, high } = ratio;
  return `; ${estimate.toPrecision(2)} times the stable rate (${typeof low === 'number' ? low.toPrecision(2) : '0'} to ${typeof high === 'number' ? high.toPrecision(2) : 'any'})`;
}

function fromLog(log: number): string {
  if (log > 23) return `10^${Math.floor(log / Math.LN10)}`;
  const value = Math.exp(log);
  return value >= 1_000 ? String(Math.round(value)) : value < 0.01 ? '0' : String(Number(value.toPrecision(2)));
}

function comparedLine({ what, value, limit }: JsonObject): string {
  const has = typeof value === 'number' ? String(Number(value.toPrecision(3))) : 'not known';
  return `${textOf(what)}: ${has}${typeof limit === 'number' ? `, limit ${limit}` : ''}`;
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
