import { checkedReading, FACTS, type FactName, type MetricSource, type Question, type Reading } from '../../analysis/index.ts';
import { declaredIn, sourcesOf } from '../core/canary-sources.ts';
import type { Definition } from '../core/definition.ts';
import type { Plan } from '../core/plan.ts';
import { openSource, ownerOf } from '../metric-sources.ts';
import { createRouterSource } from '../router-source.ts';
import type { StepDeps } from '../steps/deps.ts';
import { pass, unknown } from './answers.ts';
import type { PreflightCheck } from './preflight.ts';

/**
 * Every metric source answers, asked about the version that serves: nothing is known of the new one yet. What is silent stands in
 * no release's way, it would only hold its canary.
 */
export const checkMetrics: PreflightCheck = async (deps, plan) => {
  const { previous, strategy } = plan;
  const declared = sourcesOf(declaredIn(plan.definition));
  const missing = untoldIn(plan.definition);
  if (declared.length + missing.length === 0) return pass('only the router is asked');
  if (strategy.name !== 'canary' || previous === null)
    return pass(
      `not asked: ${[...declared.map(({ name }) => name), ...missing].join(', ')} judge a canary, and this is none (${strategy.name})`,
    );
  if (missing.length > 0) {
    const fix = 'Declare where each comes from (docs/metrics.md), or the canary is held until somebody promotes it.';
    return { ...unknown(`the judge documented is not told ${missing.join(', ')}`, fix), blocks: false };
  }
  const { told, silent } = await askMetricSources(deps, plan, { version: previous.version, group: previous.group });
  if (!silent) return pass(told);
  return { ...unknown(told, 'Until each of them answers, the canary would be held and not promoted.'), blocks: false };
};

/** True where slipway.yaml declares a source of its own beside the router. */
export function declaresSources(definition: Definition): boolean {
  return sourcesOf(declaredIn(definition)).length > 0;
}

/** Facts without which the judge `documented` never passes, by the key to declare. */
function untoldIn({ strategy }: Definition): readonly string[] {
  const { policy, facts = [] } = strategy.canary ?? {};
  if (policy?.kind !== 'documented') return [];
  const known = new Set<FactName>([...facts.map(({ fact }) => fact), ...(policy.without ?? []), 'corrupted']);
  return FACTS.filter((fact) => !known.has(fact)).map((fact) => `strategy.documented.${fact}`);
}

/** Asks the router and every source that a plan declares once, about one version, and says what each answered. */
export async function askMetricSources(
  deps: StepDeps,
  plan: Plan,
  version: Question['stable'],
): Promise<{ readonly told: string; readonly silent: boolean }> {
  const route = `${plan.service}/${plan.environment}`;
  const router = { name: 'errors', from: 'router', source: createRouterSource(deps.router, route, 'errors') };
  const opened = await Promise.all(
    sourcesOf(declaredIn(plan.definition)).map(async ({ name, source }) => ({
      name,
      from: source.from,
      source: await openSource(deps, ownerOf(plan), { source, cwd: plan.workspace }),
    })),
  );
  const question: Question = { service: plan.service, environment: plan.environment, canary: version, stable: version };
  const answers = await Promise.all([router, ...opened].map((one) => askOne(deps, question, one)));
  return { told: answers.map(({ text }) => text).join('; '), silent: answers.some(({ silent }) => silent) };
}

interface Asked {
  readonly name: string;
  readonly from: string;
  readonly source: MetricSource;
}

/** A source has its own time limit; this one is for what it did not think of. */
const LONGEST_MS = 30_000;

async function askOne(
  { effects }: StepDeps,
  question: Question,
  { name, from, source }: Asked,
): Promise<{ readonly text: string; readonly silent: boolean }> {
  const reading = checkedReading(await source.read(question, AbortSignal.timeout(LONGEST_MS)), effects.clock.now());
  return { text: `${name} (${from}): ${tell(reading, question.stable.version)}`, silent: reading.kind === 'silent' };
}

function tell(reading: Reading, version: string): string {
  switch (reading.kind) {
    case 'silent':
      return `silent: ${reading.reason}`;
    case 'counts':
      return `${reading.versions.stable.bad} bad of ${reading.versions.stable.requests} by ${version}`;
    case 'histogram':
      return `${reading.versions.stable.counts.reduce((sum, count) => sum + count, 0)} samples of ${version}`;
    case 'gauge':
      return `${reading.versions.stable} of ${version}`;
  }
}
