import type { JsonObject } from '../../kernel/pure.ts';

/**
 * May the old version run on the new schema, and is data lost?
 * `app`: yes, the schema stays. `reversible`: no, but a down file brings it back without loss.
 * `restore`: no; only the backup brings it back. `forward-fix`: nothing brings it back; no automatic rollback.
 */
export type RollbackClass = 'app' | 'reversible' | 'restore' | 'forward-fix';

/** One parsed statement of a file. */
export interface Statement {
  /** Tag of its parse tree, e.g. `AlterTableStmt`. */
  readonly kind: string;
  readonly node: JsonObject;
  readonly text: string;
  /** Byte of the file at which the text begins; null when it is not in the file as it is. */
  readonly start: number | null;
  /** Line of the file on which it begins, from 1. */
  readonly line: number;
}
