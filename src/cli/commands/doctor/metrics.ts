import type { Check } from '../../../kernel/index.ts';
import { askMetricSources, declaresSources, foldEvents, versionOf } from '../../../release/index.ts';
import type { App } from '../../compose.ts';

const RECENT = 500;

/**
 * What the metric sources of each service answer, asked about the version that serves. Declared is what the newest release declares:
 * one that is under way is held by them now, one that is over shows what the next canary would meet.
 */
export async function checkMetricSources(app: App): Promise<readonly Check[]> {
  const { store } = app.opened;
  const newest = new Map<string, string>();
  for (const { service, environment, release } of await store.list({ limit: RECENT })) {
    const place = `${service}/${environment}`;
    if (!newest.has(place)) newest.set(place, release);
  }
  const checks = await Promise.all(
    [...newest].map(async ([place, release]): Promise<readonly Check[]> => {
      const { plan } = foldEvents((await store.load(release)).events);
      // What another node of a shared store runs is not to be seen from here.
      if (plan.node !== app.places.node || !declaresSources(plan.definition)) return [];
      const stored = await store.lastServing(plan.service, plan.environment);
      if (stored === null) return [];
      const { version, group } = versionOf(stored);
      const { told, silent } = await askMetricSources(app.deps, plan, { version, group });
      const reason = `${place}: ${told}`;
      if (!silent) return [{ name: 'metrics', verdict: 'pass', reason }];
      const fix = 'docs/metrics.md (Silence) says what each answer means. Until all of them answer, a canary is held and not promoted.';
      return [{ name: 'metrics', verdict: 'unknown', reason, fix }];
    }),
  );
  return checks.flat();
}
