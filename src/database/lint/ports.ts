import type { Reader } from '../core/lint/psql.ts';
import type { TransactionMode } from '../core/lint/types.ts';

/** Part of a migration folder's file that goes one way, as SQL. */
export interface SourceFile {
  /** Relative to the folder, e.g. `20240101_init/migration.sql`. */
  readonly name: string;
  /** Its text; what is not SQL of this direction is blanked out, so that positions stay those of the file. */
  readonly text: string;
  readonly direction: 'up' | 'down';
  readonly transactions: TransactionMode;
  /** What of it cannot be judged, with where. */
  readonly gaps: readonly Gap[];
  /** What its tool calls it, where a file holds several migrations. */
  readonly part?: string;
  /** Its tool does not run it on PostgreSQL. */
  readonly elsewhere?: true;
  /** The tool refuses a file of which only some statements can be in a transaction. */
  readonly unmixed?: true;
  /** Some of it may not run: its tool, or the program it is written in, asks before. */
  readonly conditional?: true;
  /** What its tool reads in it besides SQL; left out where nobody knows. */
  readonly readsAs?: Reader;
}

/** Something that is not SQL, or was not understood. */
export interface Gap {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A folder of migrations: the names of its files, relative, sorted. */
export interface Folder {
  readonly directory: string;
  readonly files: readonly string[];
  /** A file's text; null for one that is not UTF-8 or too large, with why as a gap. */
  text(name: string): Promise<Text>;
}

export type Text = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly why: string };

/** The shape of one tool's migrations. A new one is an entry of formats.ts. */
export interface Format {
  readonly name: FormatName;
  /** What the tool reads besides SQL; left out where its migrations are programs. */
  readonly readsAs?: Reader;
  /** Does the folder look like one of this tool's? */
  detect(folder: Folder): Promise<boolean>;
  /**
   * Its files in the order in which the tool applies them.
   * @param asks may the tool's own command be run, where only that can say what the SQL is?
   */
  read(folder: Folder, asks?: boolean): Promise<readonly SourceFile[]>;
}

export const FORMAT_NAMES = [
  'slipway',
  'prisma',
  'drizzle',
  'diesel',
  'flyway',
  'liquibase',
  'goose',
  'dbmate',
  'sql-migrate',
  'node-pg-migrate',
  'sqlx',
  'golang-migrate',
  'knex',
  'typeorm',
  'ecto',
  'printed',
  'sql',
] as const;
export type FormatName = (typeof FORMAT_NAMES)[number];
