import { Pool } from 'undici';
import type { Clock } from '../../../kernel/index.ts';
import { IN_SERVICE, afterFailure, inService, mayProbe, mustProbe } from '../../core/ejection.ts';
import type { Endpoint } from '../../ports.ts';
import type { RouterLimits } from './limits.ts';

/** One endpoint with its connections, its requests in flight and its passive health. */
export interface Upstream {
  readonly endpoint: Endpoint;
  readonly pool: Pool;
  readonly inFlight: number;
  /** Takes requests like any other. */
  available(): boolean;
  /** Is out, and due to be tried by one request; by one that cannot be sent again only when no other came for long. */
  probeDue(replayable: boolean): boolean;
  /** Counts a request in; `end` counts it out and says how the connection did (`unknown`: nothing learned). */
  begin(): void;
  end(outcome: 'answered' | 'failed' | 'unknown'): void;
  /** No new requests; connections close when the last one is answered, or by force after the drain time. */
  retire(): void;
}

/** Opens nothing yet: connections are made by requests and kept alive. */
export function createUpstream(endpoint: Endpoint, limits: RouterLimits, clock: Clock): Upstream {
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const pool = new Pool(`http://${host}:${endpoint.port}`, {
    pipelining: 1,
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.responseHeadersMs,
    bodyTimeout: limits.responseIdleMs,
    maxHeaderSize: 4 * limits.maxHeaderBytes,
  });
  let inFlight = 0;
  let ejection = IN_SERVICE;
  let retired = false;
  let force: NodeJS.Timeout | null = null;
  const destroy = (): void => {
    if (force !== null) clearTimeout(force);
    force = null;
    if (!pool.destroyed) void pool.destroy();
  };
  return {
    endpoint,
    pool,
    get inFlight() {
      return inFlight;
    },
    available: () => inService(ejection),
    probeDue: (replayable) => (replayable ? mayProbe(ejection, clock.monotonic()) : mustProbe(ejection, clock.monotonic(), limits)),
    begin: () => {
      inFlight++;
      if (mayProbe(ejection, clock.monotonic())) ejection = { ...ejection, probing: true };
    },
    end: (outcome) => {
      inFlight--;
      if (outcome === 'failed') ejection = afterFailure(ejection, clock.monotonic(), limits);
      else if (outcome === 'answered') ejection = IN_SERVICE;
      else if (ejection.probing) ejection = { ...ejection, probing: false };
      if (retired && inFlight === 0) destroy();
    },
    retire: () => {
      if (retired) return;
      retired = true;
      if (inFlight === 0) destroy();
      else force = setTimeout(destroy, limits.drainMs).unref();
    },
  };
}
