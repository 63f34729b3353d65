import { mayTakeOver } from '../../core/takeover.ts';
import type { BackendSpec } from '../../ports.ts';
import type { Upstream } from './upstream.ts';

/** One version behind a route with its instances. */
export interface Backend {
  readonly spec: BackendSpec;
  readonly upstreams: readonly Upstream[];
}

/** Where one attempt of a request goes. */
export interface Choice {
  readonly backend: Backend;
  readonly upstream: Upstream;
}

/** What a request looking for an endpoint has tried, and whether it can be sent again if a probe costs it its connection. */
export interface Seeker {
  readonly tried: readonly Upstream[];
  readonly mayProbe: boolean;
}

/**
 * The endpoint for one attempt. The preferred backend first, then those that may take over. Inside a backend: one due for its probe, else the least busy one that is in service
 * and was not tried by this request. When nothing is in service, whatever is listed: the list of the target that probes them is
 * the truth, our own ejection only a guess. `turn` moves the start, so that ties take turns.
 */
export function pick(backends: readonly Backend[], { tried, mayProbe }: Seeker, turn: number): Choice | null {
  const fresh = (upstream: Upstream): boolean => !tried.includes(upstream);
  const rounds: readonly ((upstream: Upstream) => boolean)[] = [
    (upstream) => fresh(upstream) && (upstream.available() || upstream.probeDue(mayProbe)),
    fresh,
    () => true,
  ];
  for (const eligible of rounds) {
    for (const backend of backends) {
      const upstream = leastBusy(backend.upstreams, eligible, turn);
      if (upstream !== null) return { backend, upstream };
    }
  }
  return null;
}

/** Least in flight. An endpoint due for its probe has nothing in flight, so its turn comes soon. */
function leastBusy(upstreams: readonly Upstream[], eligible: (upstream: Upstream) => boolean, start: number): Upstream | null {
  const size = upstreams.length;
  let best: Upstream | null = null;
  for (let step = 0; step < size; step++) {
    const upstream = upstreams[(start + step) % size];
    if (upstream === undefined || !eligible(upstream)) continue;
    if (best === null || upstream.inFlight < best.inFlight) best = upstream;
  }
  return best;
}

/** The backends a request may go to: the preferred one if it still has weight, then those that may answer for it. */
export function ordered(backends: readonly Backend[], preferred: Backend): readonly Backend[] {
  const specs = backends.map(({ spec }) => spec);
  const first = backends.find(({ spec }) => spec.weight > 0 && spec.group === preferred.spec.group);
  const others = backends.filter((backend, index) => backend !== first && mayTakeOver(specs, index));
  return first === undefined ? others : [first, ...others];
}
