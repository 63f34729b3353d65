import type pg from 'pg';
import type { HistoryName, WantedHistory } from '../core/history-name.ts';
import type { Folder } from '../lint/ports.ts';

/** Which folder, what people know it by, and whose history says what of it is applied. */
export interface FolderRequest {
  readonly directory: string;
  readonly shown?: string;
  /** Left out: told from the folder and the database. */
  readonly history?: WantedHistory;
}

/** A migration as a tool's table knows it. */
export interface Entry {
  readonly key: string;
  /** Of the file, in the folder. */
  readonly path: string;
  /** As the tool computes them: the first is written, each of them is taken for the file unchanged. Empty where a tool keeps none. */
  readonly checksums: readonly string[];
  /** The tool applies it again whenever it changes. */
  readonly repeatable: boolean;
}

/** What a tool's table says of a migration. */
export interface Recorded {
  readonly key: string;
  readonly checksum: string | null;
  /** When, as ISO 8601; null where the tool does not say. */
  readonly at: string | null;
  /** What to do about one that the tool left in the middle; null for one that is applied. */
  readonly broken: string | null;
}

/** What is to be written down about a migration. */
export interface Change {
  readonly entry: Entry;
  /** The one before it in the folder. */
  readonly before: Entry | null;
  readonly direction: 'up' | 'down';
  /** False: its first statement has taken effect and its last has not. */
  readonly finished: boolean;
  readonly durationMs: number;
}

/** The history of one tool. A new one is one file, a line in `tools.ts` and the contract suite. */
export interface ToolHistory {
  /** Also the name of its folder's format. */
  readonly name: Exclude<HistoryName, 'slipway'>;
  readonly title: string;
  readonly table: string;
  /** Columns that tell its table from another one of the name. */
  readonly columns: { readonly has: readonly string[]; readonly hasNot: readonly string[] };
  readonly capabilities: {
    /** Its files say the way back. */
    readonly down: boolean;
    /** It refuses to begin in a database that holds something already. */
    readonly beginsEmpty: boolean;
  };
  /** Could a folder of plain SQL files be its own? Left out: yes. */
  fits?(files: readonly string[]): boolean;
  /** Names of migrations in the folder that are programs; null where there are none. */
  readonly programs: RegExp | null;
  /** Statements that make the table as the tool would. */
  create(table: string): string;
  /** Keys of the advisory locks that the tool itself takes. */
  locks(database: string, schema: string): readonly bigint[];
  /** Key under which its table says that a migration is under way; left out where it has no word for that. */
  markOf?(change: Pick<Change, 'entry' | 'before' | 'direction'>): string;
  identify(path: string, bytes: Uint8Array, folder: Folder): Promise<Entry>;
  /** What of a file only the tool can do; null when nothing. */
  obstacle(path: string, text: string): string | null;
  /** Of `entries`, which are those of the folder in order, and of what else the table names. */
  read(client: pg.Client, table: string, entries: readonly Entry[]): Promise<readonly Recorded[]>;
  /** Inside the transaction of what it records. */
  write(client: pg.Client, table: string, change: Change): Promise<void>;
}
