import type { FactDefinition, GuardDefinition, JudgePolicy, MetricDefinition } from '../../analysis/pure.ts';
import type { Duration, JsonObject, Template } from '../../kernel/pure.ts';

/** What slipway.yaml says about one service in one environment, parsed once. Templates are unresolved. */
export interface Definition {
  readonly service: string;
  readonly environment: string;
  /** Who is told, by class of failure. */
  readonly owners: Readonly<Record<FailureClass, string | null>>;
  readonly processes: readonly ProcessDefinition[];
  /** The port users reach; the router listens here. Null when no process takes traffic. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  readonly database: DatabaseDefinition | null;
  readonly build: CommandDefinition | null;
  readonly test: CommandDefinition | null;
  readonly scan: CommandDefinition | null;
  readonly smoke: SmokeDefinition;
  readonly observe: ObserveDefinition;
  readonly strategy: StrategyDefinition;
  readonly rollback: RollbackDefinition;
  /** What a canary is judged by beside the router's counts; the policy names them too. Absent where nothing is declared. */
  readonly metrics?: readonly MetricDefinition[];
  /** Values a canary must not stay above. */
  readonly guards?: readonly GuardDefinition[];
  /** Keys of the flags it carries: code that is turned on after it is released. Absent where it names none. */
  readonly flags?: readonly string[];
  /** Where owners of flags are told; absent where nobody is. */
  readonly notify?: NotifyDefinition;
  /** How many people other than the requester must approve before anything changes. */
  readonly approvals: number;
  /** Names of the variables file read beside the worker's own environment; null when there is none. */
  readonly envFile: string | null;
}

/** Addresses to which notices are posted: one, and others for some owners. */
export interface NotifyDefinition {
  readonly url: Template;
  readonly owners: Readonly<Record<string, Template>>;
}

export type FailureClass = 'application' | 'database' | 'secrets';

/** A long-running process of the service. */
export interface ProcessDefinition {
  readonly name: string;
  readonly argv: readonly Template[];
  readonly env: Readonly<Record<string, Template>>;
  readonly instances: number;
  /** True for a process that gets `$PORT` and answers HTTP. */
  readonly port: boolean;
  /** True for the process the router sends users to (at most one). */
  readonly routed: boolean;
  readonly health: HealthDefinition;
  /** SIGTERM to SIGKILL. */
  readonly stopGraceMs: Duration;
}

/** How an instance shows that it is ready: an HTTP path on its own port, or being alive for a while. */
export type HealthDefinition =
  | {
      readonly kind: 'http';
      readonly path: string;
      readonly intervalMs: Duration;
      readonly timeoutMs: Duration;
      readonly startWithinMs: Duration;
    }
  | { readonly kind: 'alive'; readonly forMs: Duration };

export interface DatabaseDefinition {
  /** Connection URL; `embedded` names a database in Slipway's own PostgreSQL. */
  readonly url: Template | { readonly embedded: string };
  /** Variable under which the service's processes receive the URL. */
  readonly env: string;
  /** Folder of ordered SQL files, relative to the source; null when migrations are a command or there are none. */
  readonly migrations: string | null;
  /** Whose table says what of them is applied; absent where that is told from the folder and the database. */
  readonly history?:
    | 'auto'
    | 'slipway'
    | 'prisma'
    | 'drizzle'
    | 'diesel'
    | 'flyway'
    | 'liquibase'
    | 'goose'
    | 'dbmate'
    | 'sql-migrate'
    | 'node-pg-migrate'
    | 'sqlx'
    | 'golang-migrate';
  readonly migrateCommand: CommandDefinition | null;
  /** What is assumed of what `migrateCommand` changes, since it cannot be read beforehand. */
  readonly migrateClass: 'app' | 'restore' | 'forward-fix';
  readonly backup: {
    readonly method: 'auto' | 'pg_dump' | 'template' | 'command' | 'none';
    readonly command: CommandDefinition | null;
    readonly restore: CommandDefinition | null;
    readonly reason: string | null;
  };
  readonly lockTimeoutMs: Duration;
  readonly statementTimeoutMs: Duration;
  /** Connection URLs of standbys on which somebody reads; absent where none are named. */
  readonly readers?: readonly Template[];
  /** Prints the SQL of migrations that are programs, for `slipway db lint`. */
  readonly print?: readonly string[];
  /** File of SQL that fills a database for `slipway db prove`, relative to the source; absent where there is none. */
  readonly sample?: string;
  /** Folder of the queries the version sends, for `slipway db prove`; absent where there is none. */
  readonly queries?: string;
  /** Files that follow the schema, and whether a release stops where they are out of step; absent where none are named. */
  readonly surfaces?: { readonly files: readonly string[]; readonly required: boolean };
  /** Whether pending migrations must pass the linter before a release applies them; absent where they need not. */
  readonly lint?: 'required';
  /** Whether a release with pending migrations must prove them first; absent where it need not. */
  readonly prove?: 'required';
}

export interface CommandDefinition {
  readonly argv: readonly Template[];
  readonly timeoutMs: Duration;
  readonly env: Readonly<Record<string, Template>>;
  /** True when running it twice has the effect of running it once; decides what happens after a crash in the middle. */
  readonly rerunnable: boolean;
}

/** Smoke checks; read and write are judged separately. An empty list is `unknown`, which blocks. */
export interface SmokeDefinition {
  readonly read: readonly SmokeCheck[];
  readonly write: readonly SmokeCheck[];
  /** Why there is nothing to read; null when the read path must be checked (of a service users reach). */
  readonly noReads: string | null;
  /** Why there is nothing to write; null when the write path must be checked (of a service with a database). */
  readonly noWrites: string | null;
  /** Checks of background work, e.g. SQL that sees the worker's heartbeat move. */
  readonly worker: readonly SmokeCheck[];
  /** True when the health endpoint must answer with the version being released. */
  readonly expectVersion: boolean;
  /** Total time a check may keep retrying before its answer stands. */
  readonly withinMs: Duration;
}

export type SmokeCheck = HttpCheck | SqlCheck | CommandCheck;

export interface HttpCheck {
  readonly kind: 'http';
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, Template>>;
  readonly body: JsonObject | null;
  readonly expectStatus: readonly number[];
  /** Subset the JSON answer must contain; null when the body is not looked at. */
  readonly expectJson: JsonObject | null;
  readonly timeoutMs: Duration;
  /** Removes what the check wrote; `{id}`-style holes are filled from the JSON answer. */
  readonly cleanup: { readonly method: string; readonly path: string } | null;
}

export interface SqlCheck {
  readonly kind: 'sql';
  readonly name: string;
  readonly query: string;
  /** The first row must contain these values. */
  readonly expect: JsonObject;
  readonly timeoutMs: Duration;
}

export interface CommandCheck {
  readonly kind: 'command';
  readonly name: string;
  readonly command: CommandDefinition;
}

/** Watching after users are on the new version. */
export interface ObserveDefinition {
  readonly windowMs: Duration;
  readonly everyMs: Duration;
  /** Why the window is shorter than 15 minutes; null when it is not. */
  readonly because: string | null;
  /** Stop conditions: any one ends the window with a rollback. */
  readonly maxErrorRate: number;
  readonly maxP99Ms: number;
  readonly maxRestarts: number;
}

export interface StrategyDefinition {
  /** `auto` lets the planner choose from the facts of the change. */
  readonly name: 'auto' | 'recreate' | 'rolling' | 'blue-green' | 'canary';
  /** Why the planner's choice is overridden. */
  readonly because: string | null;
  /** How a canary goes, where slipway.yaml says so; with `auto` a busy service then gets one. */
  readonly canary?: CanaryDefinition;
  readonly rolling?: RollingDefinition;
}

/** A number of instances, or a share (0 to 1) of those that are wanted. */
export type Amount = { readonly count: number } | { readonly share: number };

/** Old instances are replaced one after the other, within these limits. */
export interface RollingDefinition {
  /** May run above the wanted number. */
  readonly surge: Amount;
  /** May be missing from the wanted number. */
  readonly unavailable: Amount;
  /** How long the new version is watched with each larger share. */
  readonly pauseMs: Duration;
}

/** Weights the new version gets one after the other, and what is tolerated of it meanwhile. */
export interface CanaryDefinition {
  /** Increasing, each below 100; after the last one everybody is sent to the new version. */
  readonly checkpoints: readonly CanaryCheckpoint[];
  /** Time between two readings of the counters. */
  readonly everyMs: Duration;
  readonly policy: JudgePolicy;
  /** What the judge `documented` is told beside requests, and from where. */
  readonly facts?: readonly FactDefinition[];
  /** Who stays with which version; without it each request is dealt by weight. */
  readonly cohort?: CohortDefinition;
}

/** Where a value is found in a request. */
export interface CohortField {
  readonly header?: string | undefined;
  readonly cookie?: string | undefined;
}

/** As the router takes it (`Cohort` there). */
export interface CohortDefinition {
  readonly key?: CohortField | undefined;
  readonly sticky?: boolean | undefined;
  readonly force?: CohortField | undefined;
  readonly only?: { readonly paths?: readonly string[]; readonly headers?: Readonly<Record<string, readonly string[]>> } | undefined;
}

export interface CanaryCheckpoint {
  /** Whole percent of the requests. */
  readonly weight: number;
  /** How long it lasts at least; it ends when the judge says `pass` after that. */
  readonly forMs: Duration;
  /** True when a person ends it, with `slipway promote`, once the judge says `pass`. */
  readonly pause: boolean;
}

export interface RollbackDefinition {
  readonly automatic: boolean;
  /** Why automatic rollback is off; null when it is on. */
  readonly because: string | null;
  readonly targetMs: Duration;
  /** How long the old version stays warm after the switch. */
  readonly warmMs: Duration;
}
