import type { ExecResult, JsonObject } from '../kernel/index.ts';

/** A way to keep and bring back a database. One contract suite (`contract.ts`) holds for every adapter. */
export interface BackupMethod {
  readonly name: 'pg_dump' | 'template' | 'command';
  readonly capabilities: {
    /** True when no other session may be connected while it runs. */
    readonly needsQuiet: boolean;
    /** True when {@link BackupMethod.materialise} can fill a database of another name, which verification needs. */
    readonly canVerify: boolean;
  };
  /** Can it run here, against this server? The reason carries an install hint when it can't. */
  available(database: DatabaseAccess): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string; readonly hint: string }>;
  /** Writes the backup for `key`. Idempotent: an earlier half-written one for the same key is replaced. */
  create(database: DatabaseAccess, key: string, directory: string): Promise<BackupManifest>;
  /** Fills the empty name `into` from the backup; `into` must not exist, except as this key's own half-done try. */
  materialise(database: DatabaseAccess, manifest: BackupManifest, directory: string, into: string): Promise<void>;
  /** Removes what `create` left outside `directory` (template databases). Idempotent. */
  discard(database: DatabaseAccess, manifest: BackupManifest): Promise<void>;
}

/** A resolved way in. `url` holds a password: never log it, pass it through `redact`. */
export interface DatabaseAccess {
  readonly url: string;
  /** The name of the database inside the server. */
  readonly name: string;
}

/** Written as manifest.json beside the backup. */
export interface BackupManifest {
  readonly schema: 'slipway.backup/1';
  readonly key: string;
  readonly method: 'pg_dump' | 'template' | 'command';
  readonly database: string;
  readonly serverVersion: number;
  readonly takenAt: string;
  /** Files relative to the backup's folder; empty for template databases. */
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  /** For `template`: the database that holds the copy. */
  readonly location: string | null;
  readonly bytes: number;
  /** Exact row counts at the backup's own snapshot, `schema.table` -> rows. */
  readonly rows: Readonly<Record<string, number>>;
  /** sha256 over the ordered column definitions, constraints and indexes of all user tables. */
  readonly schemaDigest: string;
}

/**
 * May the old version run on the new schema, and is data lost?
 * `app`: yes, the schema stays. `reversible`: no, but a down file brings it back without loss.
 * `restore`: no; only the backup brings it back. `forward-fix`: nothing brings it back; no automatic rollback.
 */
export type RollbackClass = 'app' | 'reversible' | 'restore' | 'forward-fix';

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

/** What is in the folder and not yet in the database, plus drift. */
export interface MigrationStatus {
  readonly applied: readonly { readonly name: string; readonly sha256: string; readonly at: string }[];
  readonly pending: readonly Migration[];
  /** Files changed after they were applied, files gone, files that sort before an applied one. */
  readonly drift: readonly string[];
  /** A non-transactional file that began and did not end; null when there is none. */
  readonly partial: { readonly name: string; readonly statement: number; readonly statements: number } | null;
}

/** Runs a user's command for the `command` backup method and command migrations; bound to the step's log by the caller. */
export type RunCommand = (argv: readonly string[], env: Readonly<Record<string, string>>) => Promise<ExecResult>;

/** Facts for the ledger. */
export type Facts = JsonObject;
