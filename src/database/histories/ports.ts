import type pg from 'pg';
import type { HistoryName, WantedHistory } from '../core/history-name.ts';
import type { Folder } from '../lint/ports.ts';

/** Which folder, what people know it by, and whose history says what of it is applied. */
export interface FolderRequest {
  readonly directory: string;
  readonly shown?: string;
  /** Left out: told from the folder and the database. */
  readonly history?: WantedHistory;
  /** The database was made for this and is removed afterwards, so nobody reads what the table says of its files. */
  readonly thrownAway?: boolean;
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
  /** What else its row holds; left out where the rest says it all. */
  readonly row?: Readonly<Record<string, string>>;
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

/** Who has a tool's lock, and the tool's command that takes it from one who is gone. */
export interface Holder {
  readonly owner: string;
  readonly release: string;
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
  /** Could a folder of plain SQL files be its own? Left out: only where all of its folders are such. */
  fits?(files: readonly string[]): boolean;
  /** Names of migrations in the folder that are programs; null where there are none. */
  readonly programs: RegExp | null;
  /** Statements that make the table as the tool would. */
  create(table: string): string;
  /** Keys of the advisory locks that the tool itself takes. */
  locks(database: string, schema: string): readonly bigint[];
  /** Takes a lock that is none of these in a transaction of `client`, which it leaves open; who has it, or null when it is taken. */
  hold?(client: pg.Client, table: string): Promise<Holder | null>;
  /** Key under which its table says that a migration is under way; left out where it has no word for that. */
  markOf?(change: Pick<Change, 'entry' | 'before' | 'direction'>): string;
  /** What enters the checksum that a row lacks which we wrote; until then we know ourselves whether the file has changed. Left out where we write it, or there is none. */
  readonly entersChecksum?: string;
  identify(path: string, bytes: Uint8Array, folder: Folder): Promise<Entry>;
  /** What of a file only the tool can do; null when nothing. Without a text: of one that holds no migration. */
  obstacle(path: string, text: string): string | null;
  /** What stands beside or above the folder, and changes how the tool would run it. */
  around?(folder: Folder): Promise<readonly string[]>;
  /**
   * The entries as its table knows them, where files do not say all of it; or why one is not known.
   * @param table null where there is none yet
   * @param thrownAway what would not be known may be anything
   */
  // oxlint-disable-next-line max-params -- which database, where in it, what, and how exactly
  settle?(client: pg.Client, table: string | null, entries: readonly Entry[], thrownAway: boolean): Promise<readonly (Entry | string)[]>;
  /** Of `entries`, which are those of the folder in order, and of what else the table names. */
  read(client: pg.Client, table: string, entries: readonly Entry[]): Promise<readonly Recorded[]>;
  /** Inside the transaction of what it records. */
  write(client: pg.Client, table: string, change: Change): Promise<void>;
}
