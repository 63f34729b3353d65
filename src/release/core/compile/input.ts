import type { Check } from '../../../kernel/pure.ts';
import type { Definition } from '../definition.ts';
import type { ReleaseSet } from '../set.ts';
import type { PreviousVersion, Stage, Step } from '../plan.ts';

/** How a pending migration may be taken back; see the database room for what each class means. */
export interface PendingMigration {
  readonly name: string;
  readonly sha256: string;
  readonly rollbackClass: 'app' | 'reversible' | 'restore' | 'forward-fix';
  readonly because: string;
}

/** What the planner knows: what was asked for, and what was read from the world just before. */
export interface PlanInput {
  readonly release: string;
  readonly kind: 'release' | 'rollback';
  readonly version: string;
  readonly gitSha: string | null;
  readonly gitRef: string | null;
  readonly workingTree?: Omit<Check, 'name'>;
  readonly requestedBy: string;
  /** Why, as whoever asked for it said. */
  readonly reason?: string;
  readonly node: string;
  readonly workspace: string;
  readonly definition: Definition;
  readonly configSha256: string;
  readonly previous: PreviousVersion | null;
  /** For a rollback: the version that comes back. Its artifact is used, nothing is built. */
  readonly target: PreviousVersion | null;
  /** Null when it could not be read: the database is away or there is none. */
  readonly migrations: readonly PendingMigration[] | null;
  /** Name of the method that will take the backup; null when none was found. */
  readonly backupMethod: string | null;
  /** True when that method must have the database to itself. */
  readonly backupNeedsQuiet: boolean;
  /** Connection URL template the processes and checks use; null without a database. */
  readonly databaseUrl: string | null;
  /** Requests a minute that reach the service now; null or absent where that is not known. */
  readonly perMinute?: number | null;
  /** Step ids, stage names or preflight checks to leave out, each with its reason. */
  readonly skips: Readonly<Record<string, string>>;
  readonly findings: readonly Check[];
  /** The services it is released together with. */
  readonly set?: ReleaseSet;
}

/** Fields of a step that most steps leave at their defaults. */
export type StepOptions = Partial<
  Pick<Step, 'timeoutMs' | 'attempts' | 'retryDelayMs' | 'onInterrupt' | 'repeat' | 'holds' | 'mayFail' | 'skip' | 'approvals'>
>;

const MINUTE = 60_000;

/** Builds a step. Defaults suit an idempotent act on a peer that may be away for a moment. */
export function step(
  stage: Stage,
  name: string,
  { kind, title, input }: Pick<Step, 'kind' | 'title' | 'input'>,
  options: StepOptions = {},
): Step {
  return {
    id: `${stage}.${name}`,
    stage,
    kind,
    title,
    input,
    timeoutMs: options.timeoutMs ?? 5 * MINUTE,
    attempts: options.attempts ?? 3,
    retryDelayMs: options.retryDelayMs ?? 1_000,
    onInterrupt: options.onInterrupt ?? 'rerun',
    repeat: options.repeat ?? null,
    ...(options.holds === undefined ? {} : { holds: options.holds }),
    ...(options.mayFail === undefined ? {} : { mayFail: options.mayFail }),
    skip: options.skip ?? null,
    approvals: options.approvals ?? 0,
  };
}

/** Undo steps try longer: their failure leaves users with nobody. */
export const UNDO_OPTIONS = { attempts: 8, retryDelayMs: 1_000 } as const;
