import { CURRENT, LIVE, METRICS, READY } from './api/described/operation.ts';
import { operation, type Operation } from './api/operation.ts';
import type { Metrics } from './metrics.ts';
import type { OwnSnapshots } from './snapshots.ts';

/** What is older is told to streams as `away` too. */
const CURRENT_MS = 5_000;

/** For whoever watches the process: a load balancer, Kubernetes, Prometheus. */
export function healthOperations(snapshots: OwnSnapshots, metrics: Metrics, isStopping: () => boolean): readonly Operation[] {
  return [
    operation(LIVE, (_, context) => context.json({ status: 'live' })),
    operation(READY, (_, context) => {
      const state = stateOf(snapshots, isStopping);
      return context.json(state, state.status === 'ready' ? 200 : 503);
    }),
    operation(CURRENT, (_, context) => {
      const state = stateOf(snapshots, isStopping);
      return context.json(state, state.status === 'ready' && state.store.behindMs < CURRENT_MS ? 200 : 503);
    }),
    operation(METRICS, async (_, context) =>
      context.body(await metrics.text(context.get('token').environment), 200, { 'content-type': metrics.contentType }),
    ),
  ];
}

function stateOf(snapshots: OwnSnapshots, isStopping: () => boolean) {
  const behindMs = snapshots.behindMs();
  const standing = snapshots.standing();
  return {
    status: isStopping() ? 'stopping' : standing,
    store: { reachable: standing !== 'starting' && behindMs === 0, behindMs },
  };
}
