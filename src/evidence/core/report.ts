import { formatDuration, isJsonObject, type JsonObject } from '../../kernel/pure.ts';
import { toBase64 } from './bytes.ts';
import type { Checkpoint } from './checkpoint.ts';
import { badge, escapeHtml, page, table } from './html.ts';
import type { Sum } from './layout.ts';
import type { LedgerRecord } from './record.ts';
import type { StepStory, Story } from './story.ts';

/** What the report shows; all of it is in the pack too. */
export interface ReportInput {
  readonly story: Story;
  readonly records: readonly LedgerRecord[];
  readonly checkpoint: Checkpoint;
  /** The caller's facts in summary.json. */
  readonly facts: JsonObject;
  readonly digests: readonly Sum[];
  readonly fingerprints: { readonly pack: string; readonly log: string };
  /** SVG files of the pack, written by us: name in the pack and text. */
  readonly pictures: readonly { readonly name: string; readonly text: string }[];
}

/** Events that tell how a release was steered and undone, beside its steps. */
const STEERING = /^(?:rollback|abort|pause|resume|approval|stuck|release)\.|^step\.(?:skipped|interrupted)$/;

/** The pack's readable report: one HTML page, the same for the same input. */
export function renderReport(input: ReportInput): string {
  const { story } = input;
  const title = `${story.service} ${story.version} in ${story.environment}: ${story.verdict}`;
  return page(title, [
    `<h1>${escapeHtml(story.service)} ${escapeHtml(story.version)} in ${escapeHtml(story.environment)} ${badge(story.verdict)}</h1>`,
    `<p>${escapeHtml(sentence(story))}</p>`,
    ...section('Release', [facts(story, input.facts)]),
    ...section('Timeline', [timeline(story)]),
    ...section('Checks', [checks(story, input.records)]),
    ...section('Rollback and decisions', [decisions(input.records)]),
    ...pictures(input.pictures),
    ...section('Digests', [digests(input)]),
    '<p>This page is a copy for reading. What counts are the ledger and the signatures: see <code>VERIFY.md</code>.</p>',
  ]);
}

function section(title: string, body: readonly string[]): readonly string[] {
  return [`<h2>${escapeHtml(title)}</h2>`, ...body];
}

function sentence(story: Story): string {
  if (story.outcome === null) return 'The release has not finished; nothing is proved yet.';
  return `Outcome: ${story.outcome}. ${story.reason ?? ''}`;
}

function facts(story: Story, others: JsonObject): string {
  const fixed: JsonObject = {
    release: story.release,
    version: story.version,
    'previous version': story.previous ?? 'none',
    started: story.startedAt,
    finished: story.finishedAt ?? 'not finished',
    took: story.finishedAt === null ? 'not finished' : span(story.startedAt, story.finishedAt),
  };
  const rows = Object.entries({ ...fixed, ...others }).map(([name, value]) => [
    escapeHtml(name),
    code(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
  return table(['Fact', 'Value'], rows);
}

function span(from: string, to: string): string {
  const duration = Date.parse(to) - Date.parse(from);
  return Number.isNaN(duration) ? 'unknown' : formatDuration(duration);
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

function timeline(story: Story): string {
  const longest = Math.max(1, ...story.steps.map(lengthOf));
  const rows = story.steps.map((step) => [
    escapeHtml(step.stage),
    code(step.attempt > 1 ? `${step.step} (attempt ${step.attempt})` : step.step),
    badge(step.verdict),
    escapeHtml(step.startedAt),
    escapeHtml(span(step.startedAt, step.finishedAt)),
    `<span class="bar" style="width:${Math.round((lengthOf(step) / longest) * 100)}%"></span>`,
  ]);
  return table(['Stage', 'Step', 'Verdict', 'Started', 'Took', ''], rows);
}

function lengthOf(step: StepStory): number {
  const duration = Date.parse(step.finishedAt) - Date.parse(step.startedAt);
  return duration > 0 ? duration : 0;
}

function checks(story: Story, records: readonly LedgerRecord[]): string {
  const rows = story.steps.flatMap((step) => {
    const log = step.log === null ? '' : `<a href="steps/${escapeHtml(step.log.name)}">${escapeHtml(step.log.name)}</a>`;
    const own = [code(step.step), badge(step.verdict), escapeHtml(step.reason) + printed(records[step.seq]), log];
    return [
      own,
      ...checksOf(records[step.seq]).map((check) => [
        `&#8627; ${escapeHtml(check.name)}`,
        badge(check.verdict),
        escapeHtml(check.reason),
        '',
      ]),
    ];
  });
  return table(['Check', 'Verdict', 'Reason', 'Log'], rows);
}

/** A step may carry its single checks; what is not one is left out here and stays in events.jsonl. */
function checksOf(record: LedgerRecord | undefined): readonly { name: string; verdict: string; reason: string }[] {
  const listed = isJsonObject(record?.data) ? record.data['checks'] : null;
  if (!Array.isArray(listed)) return [];
  return listed
    .filter(isJsonObject)
    .map((check) => ({ name: textOf(check['name']), verdict: textOf(check['verdict']), reason: textOf(check['reason']) }));
}

/** What a program that failed the step printed last. */
function printed(record: LedgerRecord | undefined): string {
  const facts = isJsonObject(record?.data) ? record.data['facts'] : null;
  const output = isJsonObject(facts) ? facts['output'] : null;
  const lines = isJsonObject(output) && Array.isArray(output['lines']) ? output['lines'].map(textOf) : [];
  return lines.length === 0 ? '' : `<pre>${escapeHtml(lines.join('\n'))}</pre>`;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function decisions(records: readonly LedgerRecord[]): string {
  const told = records.filter((record) => STEERING.test(record.type));
  const plan = isJsonObject(records[0]?.data) ? records[0].data['plan'] : null;
  const rollback = isJsonObject(plan) ? plan['rollback'] : null;
  const story =
    isJsonObject(rollback) && typeof rollback['story'] === 'string'
      ? `<p>Planned before the start: ${escapeHtml(rollback['story'])}</p>`
      : '';
  return story + table(['Time', 'Event', 'By', 'Details'], told.map(decisionRow));
}

function decisionRow(record: LedgerRecord): readonly string[] {
  const data = isJsonObject(record.data) ? record.data : {};
  const details = ['step', 'decision', 'cause', 'outcome', 'reason'].flatMap((field) =>
    typeof data[field] === 'string' ? [`${field}: ${data[field]}`] : [],
  );
  return [escapeHtml(record.time), code(record.type), escapeHtml(record.actor), escapeHtml(details.join(' · '))];
}

/** Drawn inside the page: it loads nothing, not even from beside it. */
function pictures(all: ReportInput['pictures']): readonly string[] {
  return all.length === 0
    ? []
    : section(
        'What was judged',
        all.map(({ name, text }) => `<figure>${text}<figcaption>${code(name)}</figcaption></figure>`),
      );
}

function digests({ checkpoint, digests: sums, fingerprints }: ReportInput): string {
  const fixed = [
    ['log', code(`${checkpoint.origin}, ${checkpoint.size} events, root ${toBase64(checkpoint.root)}`)],
    ['pack key', code(fingerprints.pack)],
    ['log key', code(fingerprints.log)],
  ];
  return table(['What', 'SHA-256'], [...fixed, ...sums.map(({ name, sha256 }) => [escapeHtml(name), code(sha256)])]);
}
