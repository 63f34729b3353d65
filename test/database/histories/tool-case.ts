import type { WantedHistory } from '../../../src/database/index.ts';

type Files = Readonly<Record<string, string>>;

/** One tool as the contract sees it. */
export interface ToolCase {
  readonly tool: WantedHistory;
  /** Beside slipway.yaml's folder, all that tells whose it is; empty where only the table does. */
  readonly first: Files;
  readonly second: Files;
  /** A file without a transaction, third in order; its last statement needs the table `later`. */
  readonly third: Files;
  readonly names: readonly [string, string, string];
  /** Makes the table as the tool itself does, with the first file applied. */
  readonly made: string;
  /** What the tool writes, without times and random ids. */
  readonly query: string;
  /** After the first two files. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** What the table says while the third is half applied; null where the tool has no word for that. */
  readonly half: Readonly<Record<string, unknown>> | null;
  /** Spoils the table as a run of the tool that failed does, and what is to be done; null where it leaves no trace. */
  readonly broken: readonly [sql: string, message: string] | null;
  /** Key of the advisory lock that the tool takes; null where it takes none. */
  readonly lock: ((database: string) => bigint) | null;
  readonly down: boolean;
  /** Keeps a checksum. */
  readonly checksum: boolean;
}

export const ONE = 'CREATE TABLE t (id int);\n';
export const TWO = 'ALTER TABLE t ADD COLUMN a int;\n';
export const THREE = 'CREATE INDEX CONCURRENTLY i ON t (a);\nINSERT INTO later VALUES (1);\n';
