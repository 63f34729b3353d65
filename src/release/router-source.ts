import { silent, type MetricSource, type Question } from '../analysis/index.ts';
import { messageOf } from '../kernel/index.ts';
import type { Router, RouteStats } from '../traffic/index.ts';

type Counts = RouteStats['versions'][number];

/** The router's own counts as a metric source: it sees every request of a route. A version it sends nobody to has zero requests. */
export function createRouterSource(router: Pick<Router, 'stats'>, route: string, metric: 'errors' | 'latency'): MetricSource {
  return {
    read: async (question) => {
      try {
        const stats = await router.stats(route);
        return stats === null ? silent(`the router has no route ${route}`) : readingOf(stats, question, metric);
      } catch (error) {
        return silent(`the router does not answer: ${messageOf(error)}`);
      }
    },
  };
}

function readingOf({ at, since, versions }: RouteStats, { canary, stable }: Question, metric: 'errors' | 'latency') {
  const moment = { at, epoch: String(since) };
  const find = (name: Question['canary']): Counts | undefined =>
    versions.find(({ version, group }) => version === name.version && group === name.group);
  const [one, other] = [find(canary), find(stable)];
  if (metric === 'errors') return { kind: 'counts' as const, versions: { canary: errorsOf(one), stable: errorsOf(other) }, ...moment };
  const known = one ?? other;
  if (known === undefined) return silent('the router sends nobody to either version');
  const { boundsMs } = known.latency;
  const histogramOf = (counts: Counts | undefined) => ({ bounds: boundsMs, counts: counts?.latency.counts ?? boundsMs.map(() => 0) });
  return { kind: 'histogram' as const, versions: { canary: histogramOf(one), stable: histogramOf(other) }, ...moment };
}

function errorsOf(counts: Counts | undefined) {
  return { requests: counts?.requests ?? 0, bad: counts?.errors ?? 0 };
}
