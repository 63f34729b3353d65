import { join } from 'node:path';
import { lintPending, type LintedFile } from '../../database/index.ts';
import { joinVerdicts } from '../../kernel/index.ts';
import { historyOf } from '../artifact/source.ts';
import type { StepExecutor, StepOutcome } from '../ports.ts';
import { databaseOf } from './backup.ts';
import type { StepDeps } from './deps.ts';
import { text } from './input.ts';

/** Judges the pending migrations of what was built by what the database holds now, before it is touched. */
export function lintStep(deps: StepDeps): StepExecutor {
  return async (context) => {
    const { step, plan, note } = context;
    const directory = join(deps.home, text(step.input, 'folder'), text(step.input, 'migrations'));
    const files = await lintPending(await databaseOf(deps, context), { directory, ...historyOf(plan.definition.database) });
    for (const file of files)
      for (const finding of file.findings) note(`${placeOf(file, finding)}: ${finding.severity}: ${finding.message}`);
    return outcomeOfLint(files);
  };
}

type Found = LintedFile['findings'][number];

const placeOf = ({ name }: LintedFile, { line, rule }: Found): string => `${name}:${line} ${rule}`;

/** What a file says it knows of (`-- slipway: allow`) does not count; warnings are told. */
export function outcomeOfLint(files: readonly LintedFile[]): StepOutcome {
  const checks = files.map((file) => {
    const { name, verdict } = file;
    const first = verdict === 'pass' ? undefined : decisive(file);
    const fix = first?.fix ?? 'slipway db lint shows every finding with its place.';
    return {
      name,
      verdict,
      reason: first === undefined ? 'nothing in it keeps users waiting, or is refused' : `${placeOf(file, first)}: ${first.message}`,
      ...(verdict === 'pass' ? {} : { fix }),
    };
  });
  const bad = checks.filter(({ verdict }) => verdict !== 'pass');
  const worst = bad.find(({ verdict }) => verdict === 'fail') ?? bad[0];
  return {
    verdict: files.length === 0 ? 'pass' : joinVerdicts(checks.map(({ verdict }) => verdict)),
    reason:
      worst === undefined
        ? `${files.length} pending migrations are safe to apply while users are there`
        : `${bad.length} of ${files.length} pending migrations are not known to be safe; ${worst.reason}`,
    checks,
    facts: {
      findings: files.map(({ name, verdict, findings }) => ({ name, verdict, rules: [...new Set(findings.map(({ rule }) => rule))] })),
    },
  };
}

function decisive({ verdict, findings }: LintedFile): Found | undefined {
  const counted = findings.filter(({ allowed, severity }) => allowed === null && severity !== 'notice');
  const decides = ({ certainty, severity }: Found): boolean =>
    verdict === 'fail' ? severity === 'error' && certainty === 'known' : certainty === 'unknown';
  return counted.find(decides);
}
