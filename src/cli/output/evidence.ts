import type { JsonObject } from '../../kernel/index.ts';
import type { PackVerification } from '../../evidence/index.ts';
import { renderChecks } from './checks.ts';
import { verdictWord, type Style } from './style.ts';
import { count, table } from './table.ts';

const SOURCES = {
  given: 'the keys you pinned',
  own: "this installation's own keys (no --pin was given)",
  none: 'no key: none was pinned, and this installation has none of its own',
} as const;

/** Every check of a pack, and the answer. */
export function renderVerification(
  directory: string,
  source: keyof typeof SOURCES,
  { kind, verdict, checks }: PackVerification,
  { width, style }: { readonly width: number; readonly style: Style },
): string {
  const meaning = {
    pass: kind === 'pack' ? 'this pack is what was signed, and its ledger is whole' : 'this proof is what was signed',
    fail: `do not trust this ${kind}`,
    unknown: `the ${kind} agrees with itself, but nobody vouches for its keys: pass --pin`,
  } as const;
  const failed = checks.some((check) => check.verdict === 'fail');
  return [
    `Checked ${directory} against ${SOURCES[source]}`,
    renderChecks(checks, width, style),
    '',
    `${verdictWord(verdict, style)}: ${failed ? meaning.fail : meaning[verdict]} (${count(checks.length, 'check')})`,
  ].join('\n');
}

/** What a pack says about its release. It is a claim until the checks beneath it pass. */
export function renderPackSummary(summary: JsonObject, style: Style): string {
  const text = (name: string): string => {
    const value = summary[name] ?? null;
    return value === null ? '-' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  const steps = Array.isArray(summary['steps']) ? summary['steps'].length : 0;
  return [
    style.bold(`${text('service')} ${text('version')} in ${text('environment')}: ${text('verdict')}`),
    table([
      ['release', text('release')],
      ['outcome', `${text('outcome')}: ${text('reason')}`],
      ...(summary['cause'] === undefined || summary['cause'] === null ? [] : [['because', text('cause')]]),
      ['from', text('previous')],
      ['started', text('startedAt')],
      ['finished', text('finishedAt')],
      ['requested', text('requestedBy')],
      ['commit', text('gitHead')],
      ['artifact', text('artifactDigest')],
      ['steps', String(steps)],
    ]),
  ].join('\n');
}
