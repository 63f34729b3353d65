import type { Effects } from '../../kernel/index.ts';
import type { FlagStore, FlagTelemetry } from '../../flags/index.ts';
import type { ContractDefinition, DatabaseAccess } from '../../database/index.ts';
import type { Target } from '../../targets/index.ts';
import type { Router } from '../../traffic/index.ts';
import type { Definition } from '../core/definition.ts';
import type { ReleaseStore } from '../ports.ts';
import type { DeclaredBackfill } from '../prove/ports.ts';

/** What the step executors act on; made once per worker by the composition root. */
export interface StepDeps {
  /** Slipway's state directory. */
  readonly home: string;
  readonly target: Target;
  readonly router: Router;
  /** Where the agent is asked what it received over OTLP. */
  readonly agentSocket: string;
  readonly store: Pick<ReleaseStore, 'lastServing' | 'lockOf' | 'load' | 'request' | 'list'>;
  /** The flags of every environment, and how far a change of them got. */
  readonly flags: FlagStore;
  readonly telemetry: FlagTelemetry;
  /** The worker's environment joined with the variables file, for `${env:...}`. */
  readonly environmentFor: (workspace: string, envFile: string | null) => Promise<Readonly<Record<string, string | undefined>>>;
  /** A way into the service's database; null when it has none. Values it resolves join the redactor's list. */
  readonly databaseFor: (workspace: string, definition: Definition) => Promise<DatabaseAccess | null>;
  /** Ways to the standbys that `database.readers` names. */
  readonly readersFor: (workspace: string, definition: Definition) => Promise<readonly DatabaseAccess[]>;
  readonly effects: Effects;
  /** False for a database of Slipway's own PostgreSQL that is not there yet. */
  readonly databaseExists: (definition: Definition) => Promise<boolean>;
  /** A way into Slipway's own PostgreSQL, which is started when it does not run. */
  readonly ownServer: () => Promise<DatabaseAccess>;
  /** The backfills a source declares. */
  readonly readBackfills: (folder: string) => Promise<readonly DeclaredBackfill[]>;
  /** What a source declares to be contracted. */
  readonly readContracts: (folder: string) => Promise<readonly ContractDefinition[]>;
  /** Creates the database in Slipway's own PostgreSQL when it is not there. */
  readonly ensureEmbedded: (name: string) => Promise<void>;
  /** The URL processes receive, as a template: the user's own, or that of the embedded database. */
  readonly databaseUrlTemplate: (definition: Definition) => Promise<string>;
  /** Loads the signing keys, so that a pack can be signed at the end. */
  readonly checkKeys: () => Promise<void>;
}
