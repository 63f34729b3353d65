/** Where each part of a pack is. `docs/evidence.md` describes them. */
export const PACK = {
  summary: 'summary.json',
  events: 'events.jsonl',
  checkpoint: 'log/checkpoint',
  statement: 'attestations/deployment.dsse.json',
  packKey: 'keys/pack.pub',
  logKey: 'keys/log.pub',
  logVerifierKey: 'keys/log.vkey',
  report: 'report.html',
  instructions: 'VERIFY.md',
  sums: 'SHA256SUMS',
  sumsSignature: 'SHA256SUMS.sig',
} as const;

export const STEPS_FOLDER = 'steps/';
export const ARTIFACTS_FOLDER = 'artifacts/';

/** What a proof of `db prove` has in place of a ledger. */
export const PROOF = 'proof.json';

/** The two files that close the set and so cannot be in it. */
export const CLOSING: readonly string[] = [PACK.sums, PACK.sumsSignature];

/** Event types a pack carries an inclusion proof for, so that each can be shown alone. */
export const PROVEN_TYPES: readonly string[] = ['release.requested', 'step.finished', 'release.finished'];

/** The inclusion proof of one event. */
export function proofFile(seq: number): string {
  return `log/proofs/${seq}.tlog-proof`;
}

/** A name that `sha256sum` writes unescaped and that stays inside the pack. */
export function isPackName(name: string): boolean {
  return /^[A-Za-z0-9._/-]+$/.test(name) && name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** One line of SHA256SUMS. */
export interface Sum {
  readonly name: string;
  readonly sha256: string;
}

/** SHA256SUMS in the form `sha256sum --check` reads, sorted by name. */
export function formatSums(sums: readonly Sum[]): string {
  const sorted = [...sums].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
}

/** Reads SHA256SUMS; null when a line is not plain, leaves the pack or names a file twice. */
export function parseSums(text: string): readonly Sum[] | null {
  if (!text.endsWith('\n')) return null;
  const sums = text
    .slice(0, -1)
    .split('\n')
    .map((line) => /^(?<sha256>[0-9a-f]{64}) {2}(?<name>.+)$/.exec(line)?.groups);
  const read = sums.map((groups) => ({ name: groups?.['name'] ?? '', sha256: groups?.['sha256'] ?? '' }));
  const unique = new Set(read.map(({ name }) => name));
  return unique.size === read.length && read.every(({ name }) => isPackName(name)) ? read : null;
}
