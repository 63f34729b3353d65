import type { BackfillDefinition, Captured, Cell, DatabaseAccess, SchemaRecipe } from '../../database/index.ts';
import type { Check, Duration, Verdict } from '../../kernel/index.ts';
import type { StepLog } from '../core/events.ts';
import type { Definition } from '../core/definition.ts';
import type { Printed } from '../core/printed.ts';
import type { PreviousVersion } from '../core/plan.ts';

/** The version that a change must not break: one that was released here, or a commit. */
export type OldVersion =
  | { readonly kind: 'released'; readonly released: PreviousVersion; readonly told: string }
  | {
      readonly kind: 'commit';
      readonly sha: string;
      readonly told: string;
      /** What a checked-out source says of itself in the chosen environment. */
      readonly readDefinition: (folder: string) => Promise<Definition>;
    };

/** A backfill of a source, and where its function lies. */
export interface DeclaredBackfill {
  readonly definition: BackfillDefinition;
  readonly folder: string;
}

export interface ProveRequest {
  /** Id of this run: nobody else has it. */
  readonly id: string;
  /** Folder for sources and processes of this run; one run at a time uses it, and removes what an earlier one left there. */
  readonly room: string;
  readonly workspace: string;
  /** Of the commit here; it has a database with a folder of migrations. */
  readonly definition: Definition;
  readonly old: OldVersion;
  /** The new version where a release has built it; left out: the commit here. */
  readonly built?: ReadyVersion;
  /** A database of the server on which shadow databases are made. */
  readonly server: DatabaseAccess;
  /** What the old version was seen to ask in service; it is asked with its own query set. Null: nobody looked. */
  readonly captured: Captured | null;
  /** What `${env:...}` of the processes is looked up in, below the variables file. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Leave the shadow databases for a look into them; the next run removes them. */
  readonly keep: boolean;
  /** Run also what reaches beyond the database (roles, settings, files of the server): the server is there for that alone. */
  readonly beyond: boolean;
  readonly signal: AbortSignal;
  /** One line for a person who watches. */
  readonly onProgress: (line: string) => void;
}

/** A version whose files are there to be run. */
export interface ReadyVersion {
  readonly version: string;
  readonly commit: string | null;
  /** Where it was taken from, in words. */
  readonly told: string;
  readonly folder: string;
  readonly definition: Definition;
}

/** A schema as it was made. */
export interface SchemaProof extends SchemaRecipe {
  /** `unknown` when it could not be made; then no cell of it was run. */
  readonly verdict: Verdict;
  readonly reason: string;
}

/** A cell and what became of it. */
export interface CellProof extends Cell {
  readonly verdict: Verdict;
  readonly cause: string;
  readonly checks: readonly Check[];
  /** The statements of its query set, and with which values they did something: recorded ones, ones of rows, or none at all. */
  readonly statements: { readonly asked: number; readonly recorded: number; readonly sampled: number; readonly plain: number };
  /** What the service printed last; null where it passed, or printed nothing. */
  readonly output: Printed | null;
  readonly durationMs: Duration;
}

/** The matrix of a change, filled by execution. */
export interface Proof {
  readonly schema: 'slipway.proof/1';
  readonly id: string;
  readonly at: string;
  readonly durationMs: Duration;
  readonly verdict: Verdict;
  readonly service: string;
  readonly environment: string;
  readonly old: Omit<ReadyVersion, 'folder' | 'definition'>;
  readonly new: Omit<ReadyVersion, 'folder' | 'definition'>;
  readonly serverVersion: number;
  /** Null: the tables were as empty as the migrations leave them. */
  readonly sample: { readonly file: string; readonly of: 'old' | 'new'; readonly bytes: number; readonly sha256: string } | null;
  /** What the old version was seen to ask in service; null where nobody looked. */
  readonly captured: (Omit<Captured, 'queries'> & { readonly statements: number }) | null;
  readonly schemas: readonly SchemaProof[];
  readonly cells: readonly CellProof[];
  /** What makes the matrix weaker than it looks. */
  readonly remarks: readonly string[];
  /** Databases an earlier run had left, killed or told to keep them, and that were removed. */
  readonly removed: readonly string[];
  /** Databases that were kept. */
  readonly kept: readonly string[];
  readonly log: StepLog;
}
