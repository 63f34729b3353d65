/** One line of the ledger. `line` is its canonical JSON (RFC 8785) without the newline; `hash` is sha256 of `line`, hex. */
export interface LedgerEntry {
  readonly seq: number;
  readonly line: string;
  readonly hash: string;
}

/** The object inside a ledger line. `prev` is the hash of the line before, 64 zeros at seq 0. */
export interface LedgerRecord {
  readonly seq: number;
  /** ISO 8601 UTC with ms. */
  readonly time: string;
  readonly release: string;
  readonly type: string;
  readonly actor: string;
  readonly data: unknown;
  readonly prev: string;
}
