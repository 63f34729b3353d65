import { fromBase64, toBase64 } from './bytes.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';

/** An offline proof that one entry is in the log (c2sp.org/tlog-proof): path and the signed checkpoint it leads to. */
export interface TlogProof {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The whole signed note. */
  readonly checkpoint: string;
}

/** The text of a `.tlog-proof` file. */
export function formatProof({ index, hashes, checkpoint }: TlogProof): string {
  return [HEADER, `index ${index}`, ...hashes.map(toBase64), '', checkpoint].join('\n');
}

/** Reads a `.tlog-proof` file; null when it is not one. */
export function parseProof(text: string): TlogProof | null {
  const blank = text.indexOf('\n\n');
  if (blank < 0) return null;
  const [header, second = '', ...rest] = text.slice(0, blank).split('\n');
  const index = /^index (0|[1-9]\d{0,14})$/.exec(second)?.[1];
  if (header !== HEADER || index === undefined) return null;
  const hashes = rest.map(fromBase64).filter((hash) => hash?.length === 32);
  if (hashes.length !== rest.length || hashes.length > 63) return null;
  return { index: Number(index), hashes: hashes.filter((hash) => hash !== null), checkpoint: text.slice(blank + 2) };
}
