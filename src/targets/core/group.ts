import type { Duration, Instant, Template, Verdict } from '../../kernel/pure.ts';

/** All processes of one version of a service in one slot. */
export interface GroupSpec {
  /** `service/environment/slot`, e.g. `shop/prd/blue`. */
  readonly id: string;
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly release: string;
  /** Folder the processes run in (an immutable artifact). */
  readonly directory: string;
  readonly processes: readonly ProcessSpec[];
  /** File with further variables for `${env:...}`, or null. */
  readonly envFile: string | null;
  /** The target removes the group by itself this long after it was first asked for like this; absent: it stays. */
  readonly stopAfterMs?: Duration;
}

export interface ProcessSpec {
  readonly name: string;
  /** Templates; `${port}`, `${version}`, `${release}`, `${instance}` and `${env:NAME}` are resolved where it is started. */
  readonly argv: readonly Template[];
  readonly env: Readonly<Record<string, Template>>;
  readonly instances: number;
  /** True when each instance gets a free port of its own, also as `$PORT`. */
  readonly port: boolean;
  readonly health: HealthSpec;
  readonly stopGraceMs: Duration;
  /** How the instances of two versions divide work between them; absent: they do not. */
  readonly partitions?: PartitionSpec;
}

/**
 * Work in so many parts, of which each instance has one: instance 0 of one version the first part, of the other the last. While the
 * instances of both are as many as there are parts, each part has exactly one.
 */
export interface PartitionSpec {
  readonly count: number;
  readonly from: 'first' | 'last';
}

export type HealthSpec =
  | {
      readonly kind: 'http';
      readonly path: string;
      readonly intervalMs: Duration;
      readonly timeoutMs: Duration;
      readonly startWithinMs: Duration;
    }
  | { readonly kind: 'alive'; readonly forMs: Duration };

export interface GroupState {
  readonly spec: GroupSpec;
  /** When the target will remove it by itself; null when it stays. */
  readonly stopAt: Instant | null;
  readonly instances: readonly InstanceState[];
}

/** `ready` takes traffic; `backoff` waits to be restarted after an exit; `failed` gave up before it was ever ready. */
export type InstancePhase = 'starting' | 'ready' | 'unhealthy' | 'backoff' | 'stopping' | 'failed';

export interface InstanceState {
  readonly process: string;
  readonly index: number;
  readonly phase: InstancePhase;
  /** Process id and its kernel start time (clock ticks since boot): together they name a process for good. */
  readonly pid: number | null;
  readonly startTicks: number | null;
  readonly port: number | null;
  readonly restarts: number;
  readonly since: Instant;
  readonly lastExit: { readonly code: number | null; readonly signal: string | null; readonly at: Instant } | null;
  readonly health: { readonly verdict: Verdict; readonly reason: string };
  /** Redacted output of this instance. */
  readonly logFile: string;
}
