import type { FlagTestResult } from '../../flags/index.ts';
import type { Verdict } from '../../kernel/index.ts';
import { flow } from './flag-diff.ts';
import { verdictWord, type Style } from './style.ts';
import { count } from './table.ts';

/** Failures with what was expected and what was served; what passed is counted. */
export function renderFlagTests(results: readonly FlagTestResult[], verdict: Verdict, style: Style): string {
  const failures = results.filter((result) => result.verdict === 'fail').map((result) => failureText(result, style));
  const environments = new Set(results.map((result) => result.environment)).size;
  const sum =
    results.length === 0
      ? 'there is no assertion: write `tests:` below a flag'
      : `${count(results.length - failures.length, 'assertion')} passed, ${failures.length} failed, in ${count(environments, 'environment')}`;
  return [...failures, `${verdictWord(verdict, style)}  ${sum}`].join('\n\n');
}

function failureText({ flag, name, environment, place, context, differences }: FlagTestResult, style: Style): string {
  const head = `${style.bad('✗')} ${style.bold(flag)} in ${environment}${name === null ? '' : `: ${name}`}  ${place.file}:${place.line}`;
  const lines = differences.map(({ what, expected, actual }) =>
    what === 'error' ? `it cannot be evaluated: ${flow(actual)}` : `${what}: expected ${flow(expected)}, got ${flow(actual)}`,
  );
  return [head, `    context: ${flow(context)}`, ...lines.map((line) => `    ${line}`)].join('\n');
}
