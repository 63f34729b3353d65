import type { GroupSpec, GroupState } from './core/group.ts';

export type * from './core/group.ts';

/** Where software runs. One contract suite (`contract.ts`) holds for every adapter. */
export interface Target {
  /**
   * Makes the group look like `spec` (starts, stops or keeps instances) and returns once that is recorded durably;
   * readiness is watched with {@link Target.inspect}. Idempotent: the same spec again changes nothing.
   * @throws SlipwayError `fenced` when `fence` is lower than the highest seen for the group's service and environment
   */
  apply(fence: number, spec: GroupSpec): Promise<void>;
  /** What runs now; null when there is no such group. */
  inspect(group: string): Promise<GroupState | null>;
  /** All groups of one service and environment. */
  list(service: string, environment: string): Promise<readonly GroupState[]>;
  /** The last lines an instance of this group printed, oldest first, redacted; none when there is no such instance or it printed nothing. */
  output(group: string, instance: { readonly process: string; readonly index: number }, lines: number): Promise<readonly string[]>;
  /** Drains and stops all instances, then forgets the group. Idempotent; returns when the last process is gone. */
  remove(fence: number, group: string): Promise<void>;
}
