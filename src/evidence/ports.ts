import type { PackVerdict } from './core/story.ts';
import type { LedgerEntry } from './core/record.ts';

export type { LedgerEntry, LedgerRecord } from './core/record.ts';

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
  /** Must be what the ledger says (`verdictOf` its outcome): PASS only for a release that ended `released`, a rollback in time. */
  readonly verdict: PackVerdict;
  readonly entries: readonly LedgerEntry[];
  /**
   * Facts for summary.json beside those recomputed from the ledger: git head, migration range, digests...
   * A fact with the name of a recomputed field (`version`, `verdict`, `steps`...) gives way to it.
   */
  readonly summary: Readonly<Record<string, unknown>>;
  /** Raw logs to copy: name in the pack (`01-preflight.log`), source file, and the digest the ledger holds. */
  readonly logs: readonly { readonly name: string; readonly file: string; readonly sha256: string }[];
  /** Generated documents: name under `artifacts/` -> text (plan.json, envelope.json, slipway.yaml...). */
  readonly artifacts: readonly { readonly name: string; readonly text: string }[];
  /** Digests the in-toto statement names as subjects beside summary.json and events.jsonl. */
  readonly subjects: readonly { readonly name: string; readonly sha256: string }[];
}

/**
 * Fingerprints the verifier got from outside the pack (`SHA256:...`), one list per key; several while keys are rotated.
 * Without a pinned pack key the verdict is `unknown`. An empty `log` list trusts the log key the pack key vouches for.
 */
export interface Pins {
  readonly pack: readonly string[];
  readonly log: readonly string[];
}
