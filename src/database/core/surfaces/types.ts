/** What kind of value a column holds, as far as a programming language cares. */
export type Kind = 'int' | 'bigint' | 'float' | 'decimal' | 'number' | 'boolean' | 'text' | 'date' | 'json' | 'bytes' | 'array' | 'enum';

/** A column as a file claims it. */
export interface ClaimedColumn {
  /** Names it may have in the database: two where a naming convention may or may not be in force. */
  readonly names: readonly string[];
  /** Null where the file does not say, or says what nobody here understands. */
  readonly kind: Kind | null;
  /** The type in PostgreSQL's own words, where the file says it: `character varying(20)`. */
  readonly type: string | null;
  /** Null where the file does not say. */
  readonly nullable: boolean | null;
  /** All values it may have, where the file says them. */
  readonly values?: readonly string[];
  /** The values are written as constants are: `IN_TRANSIT` for `in-transit`. */
  readonly constants?: true;
  /** Whoever writes the file may be stricter than the database: that it may be null is a remark. */
  readonly stricter?: true;
  readonly line: number;
}

export interface ClaimedTable {
  /** Without `public`; two where a naming convention may or may not be in force. */
  readonly names: readonly string[];
  readonly columns: readonly ClaimedColumn[];
  /** False where it need not name all columns. */
  readonly whole: boolean;
  /** It only has the name of a table: there may be none, and what differs is a remark. */
  readonly guessed?: true;
  readonly line: number;
}

export interface ClaimedEnum {
  readonly name: string;
  readonly values: readonly string[];
  readonly line: number;
}

/** What a file claims of the database. */
export interface Claims {
  readonly tables: readonly ClaimedTable[];
  readonly enums: readonly ClaimedEnum[];
  /** True for a file that names every table there is. */
  readonly whole: boolean;
  /** What in it could not be read, so that nothing of it is known. */
  readonly unclear: readonly { readonly line: number; readonly what: string }[];
}

/** A column as it is. */
export interface RealColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable: boolean;
  /** A row can be written without it. */
  readonly optional: boolean;
  /** Of its type, or of the elements of an array. */
  readonly enum: boolean;
}

export interface RealTable {
  readonly name: string;
  readonly columns: readonly RealColumn[];
  /** A view holds what its query says. */
  readonly view: boolean;
}

/** The database as it is, without what migration tools keep in it for themselves. */
export interface RealSchema {
  readonly tables: readonly RealTable[];
  readonly enums: readonly { readonly name: string; readonly values: readonly string[] }[];
}

/** A difference of a file from the database. */
export interface SurfaceDifference {
  readonly line: number;
  readonly what: string;
  /** `remark`: the file need not say it. */
  readonly weight: 'wrong' | 'remark';
}
