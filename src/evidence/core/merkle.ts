import { concatBytes, equalBytes, type Sha256 } from './bytes.ts';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/**
 * A Merkle tree as in RFC 6962, section 2.1. `levels[0]` are the leaf hashes; each further level pairs the one below,
 * and an odd last node moves up unhashed, which is the same tree as the RFC's split at the largest power of two.
 */
export interface MerkleTree {
  readonly size: number;
  readonly levels: readonly (readonly Uint8Array[])[];
  readonly root: Uint8Array;
}

/** Hash of one leaf: `SHA256(0x00 || leaf)`. */
function leafHash(sha256: Sha256, leaf: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, leaf));
}

function nodeHash(sha256: Sha256, left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(NODE, left, right));
}

/** Builds the tree over raw leaves in order. The root of no leaves is `SHA256("")`. */
export function buildTree(sha256: Sha256, leaves: readonly Uint8Array[]): MerkleTree {
  let level = leaves.map((leaf) => leafHash(sha256, leaf));
  const levels = [level];
  while (level.length > 1) {
    level = pairUp(sha256, level);
    levels.push(level);
  }
  return { size: leaves.length, levels, root: level[0] ?? sha256(new Uint8Array()) };
}

function pairUp(sha256: Sha256, level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = level.slice(at, at + 2);
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(sha256, left, right));
  }
  return above;
}

/**
 * Audit path of a leaf, lowest first (RFC 6962, section 2.1.1).
 * @throws Error when `index` is not in the tree
 */
export function inclusionProof(tree: MerkleTree, index: number): readonly Uint8Array[] {
  if (!Number.isInteger(index) || index < 0 || index >= tree.size) throw new Error(`No leaf ${index} in a tree of ${tree.size}`);
  return tree.levels.flatMap((level, height) => {
    const sibling = level[Math.floor(index / 2 ** height) ^ 1];
    return sibling === undefined || level.length === 1 ? [] : [sibling];
  });
}

/** A claim that a leaf is in a tree of known size and root. */
export interface InclusionClaim {
  readonly index: number;
  readonly size: number;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** True when the claim holds for the raw leaf (RFC 9162, section 2.1.3.2). False, never an error, for nonsense. */
export function verifyInclusion(sha256: Sha256, leaf: Uint8Array, claim: InclusionClaim): boolean {
  const { index, size, proof, root } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [node, last, hash] = [index, size - 1, leafHash(sha256, leaf)];
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sha256, sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(sha256, hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && equalBytes(hash, root);
}
