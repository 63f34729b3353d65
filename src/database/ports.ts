import type { FilePhase } from './core/plan/phase.ts';
import type pg from 'pg';
import type { Clock, Duration, Effects, ExecResult } from '../kernel/index.ts';
import type { RollbackClass } from './core/types.ts';
import type { WantedHistory } from './core/history-name.ts';

export type { RollbackClass } from './core/types.ts';

/** A way to keep and bring back a database. One contract suite (`contract.ts`) holds for every adapter. */
export interface BackupMethod {
  readonly name: BackupMethodName;
  readonly capabilities: {
    /** True when no other session may be connected while it runs: those that are get disconnected. */
    readonly needsQuiet: boolean;
    /** True when {@link BackupMethod.materialise} can fill a database of another name, which verification and restore need. */
    readonly canVerify: boolean;
  };
  /** Can it run here, against this server? The reason carries an install hint when it can't. */
  available(database: DatabaseAccess): Promise<Availability>;
  /** Writes the backup into `folder`, which is empty and belongs to this worker alone. What an earlier try left elsewhere is removed. */
  write(hold: Hold, key: string, folder: string): Promise<Written>;
  /** Is what `write` left outside the folder still there? */
  stillThere(hold: Hold, manifest: BackupManifest): Promise<boolean>;
  /** Makes and fills the database `into`; one of that name is dropped first. */
  materialise(hold: Hold, manifest: BackupManifest, folder: string, into: string): Promise<void>;
  /** Removes what `write` left outside the folder (template databases). Idempotent. */
  discard(hold: Hold, manifest: BackupManifest): Promise<void>;
}

/** The right to work on one backup, kept by a session of the server (`hold.ts`). Everything done to the server goes through it. */
export interface Hold {
  readonly access: DatabaseAccess;
  readonly fence: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /**
   * Works on a connection of its own, to another database of the server than the live one unless named. It is ended when a later
   * claim takes over, and its query is cancelled when the signal aborts. Errors of the server come out as SlipwayError.
   */
  session<T>(doing: string, work: (client: pg.Client) => Promise<T>, database?: string): Promise<T>;
  /** The session that holds the lock, for what must be done while a statement of another one runs; only what takes no time. */
  readonly control: pg.Client;
}

/** What a method found when it wrote a backup. */
export interface Written {
  readonly files: readonly BackupFile[];
  readonly location: string | null;
  readonly bytes: number;
  readonly rows: BackupManifest['rows'];
  readonly schemaDigest: string;
}

export type BackupMethodName = 'pg_dump' | 'template' | 'command';

export type Availability = { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly hint: string };

/** A resolved way in. `url` holds a password: never log it, pass it through `redact`. */
export interface DatabaseAccess {
  readonly url: string;
  /** The name of the database inside the server. */
  readonly name: string;
  /** Slipway's own PostgreSQL: what runs there must not reach beyond its database, for the ledger is beside it. */
  readonly own?: true;
}

/** Written as manifest.json beside the backup. */
export interface BackupManifest {
  readonly schema: 'slipway.backup/1' | 'slipway.backup/2';
  readonly key: string;
  readonly method: BackupMethodName;
  readonly database: string;
  readonly serverVersion: number;
  readonly takenAt: string;
  /** Files relative to the backup's folder; empty for template databases. */
  readonly files: readonly BackupFile[];
  /** For `template`: the database that holds the copy. */
  readonly location: string | null;
  readonly bytes: number;
  /** Exact row counts at the backup's own snapshot, `schema.table` -> rows. */
  readonly rows: Readonly<Record<string, number>>;
  /** sha256 over columns, constraints and indexes of all user tables; from edition 2 on also views, sequences, triggers, policies, routines, enums and extensions. */
  readonly schemaDigest: string;
}

export interface BackupFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One migration file of the folder, read and classified, not yet applied. */
export interface Migration {
  /** `20261121093000_add_price`: the file name without `.sql` / `.up.sql`. */
  readonly name: string;
  readonly sha256: string;
  readonly transactional: boolean;
  readonly rollbackClass: RollbackClass;
  /** Why this class: the header comment, or the statement that decided it. */
  readonly because: string;
  readonly hasDown: boolean;
}

export interface PendingMigration extends Migration {
  readonly phase: FilePhase['phase'];
  /** How many statements it holds: one that was made and never filled in has none. */
  readonly statements: number;
}

/** What is in the folder and not yet in the database, plus drift. */
export interface MigrationStatus {
  /** The table that says what is applied: Slipway's, or a tool's. */
  readonly history: string;
  readonly applied: readonly { readonly name: string; readonly sha256: string; readonly at: string }[];
  readonly pending: readonly PendingMigration[];
  /** Files changed after they were applied, files gone, files that sort before an applied one. */
  readonly drift: readonly string[];
  /** A non-transactional file that began and did not end; null when there is none. */
  readonly partial: PartialMigration | null;
  /** Why a run would be refused before its first file: a server that is read-only, a right that is missing. */
  readonly hindrances: readonly string[];
}

/** A file that was left in the middle: statements 1 to `statement` took effect, of `statements`. */
export interface PartialMigration {
  readonly name: string;
  readonly direction: 'up' | 'down';
  readonly statement: number;
  readonly statements: number;
}

/**
 * Runs a command (`pg_dump`, the user's own) bound to the step's log, folder and time limit by the caller.
 * `env` is what the command needs beyond the caller's base environment (PATH, HOME); `secrets` are hidden in the log.
 */
export type RunCommand = (
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  secrets: readonly string[],
) => Promise<ExecResult>;

/** Runs one of the user's commands with its own variables and time limit; `env` is added, `secrets` are hidden in the log. */
export type RunUserCommand = (env: Readonly<Record<string, string>>, secrets: readonly string[]) => Promise<ExecResult>;

/** What backup methods, verification and restore work with. */
export interface BackupTools {
  readonly run: RunCommand;
  readonly effects: DatabaseEffects;
  /** The user's own backup command, or null. Without `restore` such a backup can be neither verified nor brought back by Slipway. */
  readonly command: { readonly create: RunUserCommand; readonly restore: RunUserCommand | null } | null;
  /** True for a database in Slipway's own PostgreSQL: then `auto` may choose `template`, which disconnects every session. */
  readonly embedded: boolean;
  /** Folders searched for `pg_dump`, first those of PATH. Left out: PATH, then Debian's folders of all versions. */
  readonly clientFolders?: readonly string[];
}

/** The effects this room uses. */
export type DatabaseEffects = Pick<Effects, 'clock' | 'faults' | 'redact'>;

/** What applying and taking back need alike. */
export interface MigrationRequest {
  readonly access: DatabaseAccess;
  readonly directory: string;
  /** Whose history says what is applied. Left out: told from the folder and the database. */
  readonly history?: WantedHistory;
  /** The database was made for this and is removed afterwards, so nobody reads what a tool's table says of its files. */
  readonly thrownAway?: boolean;
  readonly release: string;
  /** Of the caller's claim: a run with a lower one is refused, and a higher one ends the sessions of a lower one. */
  readonly fence: number;
  readonly lockTimeoutMs: Duration;
  /** 0 means no limit. */
  readonly statementTimeoutMs: Duration;
  readonly effects: DatabaseEffects;
  /** How long to wait for another migration of this database. Default 60 s. */
  readonly waitMs?: Duration;
  /** How often a file is tried again when it could not get a lock in time. Default 120 (about two minutes). */
  readonly lockRetries?: number;
  /** One redacted line for a person who watches. */
  readonly onProgress?: (line: string) => void;
  /** Aborting cancels the running query and rolls its transaction back. */
  readonly signal?: AbortSignal;
}

/** What applying needs beyond that. */
export interface ApplyRequest extends MigrationRequest {
  /** Applies although the folder and the history disagree; the caller records who wanted that and why. */
  readonly acceptDrift?: boolean;
  /** Applies none but these of the pending ones; left out: all. */
  readonly only?: readonly string[];
}

export interface DownRequest extends MigrationRequest {
  /** Migrations to take back; they are taken back from the newest to the oldest, those not applied are passed over. */
  readonly names: readonly string[];
}

/** A file that was run to its end. */
export interface AppliedMigration {
  readonly name: string;
  readonly sha256: string;
  readonly statements: number;
  /** 1, plus the times it had to give up on a lock. */
  readonly attempts: number;
  readonly durationMs: Duration;
}

/** How a run ended. `unknown` means that the connection was lost and nobody can say whether the last commit counted. */
export interface MigrationResult {
  readonly verdict: 'pass' | 'fail' | 'unknown';
  readonly reason: string;
  /** False only when it is certain that this run changed nothing. */
  readonly changed: boolean;
  /** Names of the files that were run to their end, in that order. */
  readonly applied: readonly string[];
  /** The same with figures. */
  readonly files: readonly AppliedMigration[];
  readonly partial: PartialMigration | null;
}

/** As {@link MigrationResult}, for the way back. */
export type DownResult = Omit<MigrationResult, 'applied'> & { readonly reverted: readonly string[] };

/** Facts about a database for preflight. */
export interface DatabaseFacts {
  readonly serverVersion: number;
  readonly readOnly: boolean;
  readonly bytes: number;
  readonly user: string;
  readonly canCreateDatabase: boolean;
}
