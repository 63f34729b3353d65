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

/** Keys of this installation: P-256 signs packs and statements, Ed25519 signs checkpoints. PEM (PKCS#8 / SPKI). */
export interface SigningKeys {
  readonly pack: { readonly privatePem: string; readonly publicPem: string };
  readonly log: { readonly privatePem: string; readonly publicPem: string };
}

/** Everything a pack is made of; the caller gathers, `exportPack` writes. */
export interface PackInput {
  readonly release: string;
  /** Log name in checkpoints, e.g. `slipway/shop/prd/<release>`. */
  readonly origin: string;
  readonly service: string;
  readonly environment: string;
  readonly verdict: 'PASS' | 'FAIL' | 'UNKNOWN';
  readonly entries: readonly LedgerEntry[];
  /** Facts for summary.json beside the fixed ones: versions, git head, times, outcome, migration range, digests. */
  readonly summary: Readonly<Record<string, unknown>>;
  /** Raw logs to copy: name in the pack (`01-preflight.log`), source file, and the digest the ledger holds. */
  readonly logs: readonly { readonly name: string; readonly file: string; readonly sha256: string }[];
  /** Generated documents: name under `artifacts/` -> text (plan.json, envelope.json, slipway.yaml...). */
  readonly artifacts: readonly { readonly name: string; readonly text: string }[];
  /** Digests the in-toto statement names as subjects beside summary.json and events.jsonl. */
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
}
