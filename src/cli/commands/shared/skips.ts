import { SlipwayError } from '../../../kernel/index.ts';
import { nearest } from '../../../config/index.ts';
import { PREFLIGHT, type Plan } from '../../../release/index.ts';

/** Reads `NAME=REASON` texts. @throws SlipwayError `usage` for one without a reason, or the same name twice */
export function parseSkips(given: readonly string[]): Readonly<Record<string, string>> {
  const skips = new Map<string, string>();
  for (const one of given) {
    const at = one.indexOf('=');
    const name = (at < 0 ? one : one.slice(0, at)).trim();
    const reason = at < 0 ? '' : one.slice(at + 1).trim();
    if (name === '' || reason === '')
      throw new SlipwayError('usage', `--skip ${one}: a skip needs a reason`, {
        hint: 'Write --skip NAME=REASON; the reason is recorded in the evidence.',
      });
    if (skips.has(name)) throw new SlipwayError('usage', `--skip ${name} was given twice`);
    skips.set(name, reason);
  }
  return Object.fromEntries(skips);
}

/** Everything of a plan that can be left out. Its last look at the evidence cannot: without it nothing is proved. */
export function skippable(plan: Pick<Plan, 'steps'>): readonly string[] {
  const steps = plan.steps.filter((step) => step.stage !== 'evidence');
  const checks = Object.keys(PREFLIGHT).map((name) => `preflight.${name}`);
  return [...new Set([...steps.map(({ stage }) => stage), ...checks, ...steps.map(({ id }) => id)])];
}

/** @throws SlipwayError `usage` naming the nearest valid name: a skip that skips nothing would look like one that did */
export function refuseUnknownSkips(skips: Readonly<Record<string, string>>, plan: Pick<Plan, 'steps'>): void {
  const known = skippable(plan);
  for (const name of Object.keys(skips)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new SlipwayError(
      'usage',
      `--skip ${name}: there is no such stage, step or check${meant === null ? '' : `. Did you mean "${meant}"?`}`,
      { hint: `What can be skipped: ${known.join(', ')}` },
    );
  }
}
