import type { Check, Duration, JsonObject } from '../../kernel/pure.ts';
import type { Definition } from './definition.ts';
import type { ReleaseSet } from './set.ts';

/** Stages in the order they run. `evidence` closes a release; `rollback` holds the steps that undo. */
export const STAGES = [
  'preflight',
  'backup',
  'build',
  'test',
  'scan',
  'migrate',
  'deploy',
  'verify',
  'observe',
  'evidence',
  'rollback',
] as const;

export type Stage = (typeof STAGES)[number];

/**
 * What a step does. The plan is data: a kind names an executor, and a build of Slipway that does not know a kind
 * stops with `unknown` instead of guessing.
 */
export type StepKind =
  | 'ensure-database'
  | 'preflight'
  | 'backup'
  | 'verify-backup'
  | 'build'
  | 'command'
  | 'route'
  | 'apply-group'
  | 'remove-group'
  | 'migrate'
  | 'migrate-down'
  | 'restore'
  | 'smoke'
  | 'rehearse'
  | 'lint'
  | 'prove'
  | 'surfaces'
  | 'judge'
  | 'companions'
  | 'recall'
  | 'observe'
  | 'flags-off'
  | 'evidence';

/** One unit of work, frozen in the first event of the ledger. */
export interface Step {
  /** Unique in its plan, `stage.name`, e.g. `migrate.apply`. */
  readonly id: string;
  readonly stage: Stage;
  readonly kind: StepKind;
  /** What it does, in words a person reads while it runs. */
  readonly title: string;
  readonly input: JsonObject;
  readonly timeoutMs: Duration;
  /** How often it may run when an outcome says that trying again may help. */
  readonly attempts: number;
  /** First wait before such a retry; doubles each time, at most one minute. */
  readonly retryDelayMs: Duration;
  /** After a crash in the middle: run it again, or take the outcome as unknown. */
  readonly onInterrupt: 'rerun' | 'unknown';
  /** Runs again and again until it has passed for `forMs` (null: until a person promotes it); null for a step that runs once. */
  readonly repeat: { readonly everyMs: Duration; readonly forMs: Duration | null } | null;
  /** True for a question that is asked until it is answered: `unknown` holds the release where it is. */
  readonly holds?: boolean;
  /** True for one that stands in nobody's way: when it ended without a pass and no retry is left, what follows goes on, and it is told. */
  readonly mayFail?: boolean;
  /** The recorded reason for not running it; null when it runs. */
  readonly skip: string | null;
  /** People who must approve before it starts. */
  readonly approvals: number;
}

/** The order in which versions are started, given traffic and stopped. */
export type StrategyName = 'recreate' | 'rolling' | 'blue-green' | 'canary';

/** A version that can be put back: what ran before this release. */
export interface PreviousVersion {
  readonly version: string;
  readonly release: string;
  readonly group: string;
  /** Folder of the artifact, relative to the state directory. */
  readonly artifact: string;
  readonly artifactDigest: string;
  /** How its processes are started, as released then. */
  readonly definition: Definition;
  /** The template of its database's URL, as it was given then; absent where there is none, or an older build did not look. */
  readonly databaseUrl?: string;
}

/** Everything decided before the first change. A newer build interprets it; none recompiles it. */
export interface Plan {
  readonly schema: 'slipway.plan/1';
  readonly release: string;
  readonly kind: 'release' | 'rollback';
  readonly service: string;
  readonly environment: string;
  readonly version: string;
  readonly gitSha: string | null;
  readonly gitRef: string | null;
  /** Whether the workspace was exactly that commit when the release was asked for; absent in plans of older builds, and in rollbacks. */
  readonly workingTree?: Omit<Check, 'name'>;
  readonly requestedBy: string;
  /** Why, as whoever asked for it said; absent where nobody did. */
  readonly reason?: string;
  /** Workers that can reach the workspace: `host:state directory`. */
  readonly node: string;
  /** Folder of the source, absolute on that node. */
  readonly workspace: string;
  readonly definition: Definition;
  readonly configSha256: string;
  readonly previous: PreviousVersion | null;
  readonly strategy: {
    readonly name: StrategyName;
    readonly recommended: StrategyName;
    readonly because: string;
  };
  /** The services it is released together with; absent for one alone. */
  readonly set?: ReleaseSet;
  readonly steps: readonly Step[];
  /** How each step is undone once it was begun: step id -> steps, in the order they run. */
  readonly undo: Readonly<Record<string, readonly Step[]>>;
  /** Runs at the start of every rollback, before traffic is touched: the flags of this release are turned off; absent where it carries none. */
  readonly flagsOff?: readonly Step[];
  /** Runs at the start of every rollback of a set: the others go back as well; absent for one service alone. */
  readonly recall?: readonly Step[];
  /** Runs at the end of every rollback: the old version must pass the same smoke again. */
  readonly reSmoke: readonly Step[];
  readonly rollback: {
    readonly automatic: boolean;
    readonly targetMs: Duration;
    /** The step after which an undo would lose what users wrote; null when no undo loses data. */
    readonly pointOfNoReturn: string | null;
    /** Why it is not known whether there is such a step, and what the way back has to undo; absent when it is known. */
    readonly unknown?: string;
    readonly story: string;
  };
  /** What the planner saw: risk facts and unknowns. */
  readonly findings: readonly Check[];
}

/** The idempotency key of one try of one step: same key, same effect. */
export function effectKey(release: string, step: string, attempt: number): string {
  return `${release}/${step}/${attempt}`;
}
