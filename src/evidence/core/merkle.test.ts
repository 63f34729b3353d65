import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../adapters/crypto.ts';
import { toHex } from './bytes.ts';
import { buildTree, inclusionProof, verifyInclusion } from './merkle.ts';

const digest = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 6962, section 2.1, word for word: `k` is the largest power of two smaller than `n`. */
function naiveRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (only === undefined) return digest();
  if (leaves.length === 1) return digest(Buffer.of(0), only);
  const k = split(leaves.length);
  return digest(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** RFC 6962, section 2.1.1, word for word. */
function naivePath(index: number, leaves: readonly Uint8Array[]): readonly Buffer[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  if (index < k) return [...naivePath(index, leaves.slice(0, k)), naiveRoot(leaves.slice(k))];
  return [...naivePath(index - k, leaves.slice(k)), naiveRoot(leaves.slice(0, k))];
}

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const someLeaves = fc.array(fc.uint8Array({ maxLength: 9 }), { minLength: 1, maxLength: 70 });
const leavesAndIndex = someLeaves.chain((leaves) => fc.tuple(fc.constant(leaves), fc.nat(leaves.length - 1)));

describe('the Merkle tree', () => {
  it('has the root and paths of the naive recursion of RFC 6962', () => {
    fc.assert(
      fc.property(leavesAndIndex, ([leaves, index]) => {
        const tree = buildTree(sha256, leaves);
        expect(toHex(tree.root)).toBe(naiveRoot(leaves).toString('hex'));
        expect(inclusionProof(tree, index).map(toHex)).toEqual(naivePath(index, leaves).map((hash) => hash.toString('hex')));
      }),
    );
  });

  it('has the known root of no leaves and of the reference leaves of certificate-transparency', () => {
    expect(toHex(buildTree(sha256, []).root)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const { root } = buildTree(
      sha256,
      leaves.map((hex) => Buffer.from(hex, 'hex')),
    );
    expect(toHex(root)).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
  });

  it('accepts the right claim and no other leaf, index, size, path or root', () => {
    fc.assert(
      fc.property(leavesAndIndex, fc.nat(80), fc.nat(80), ([leaves, index], otherIndex, otherSize) => {
        const { root, size, ...rest } = buildTree(sha256, leaves);
        const proof = inclusionProof({ root, size, ...rest }, index);
        const leaf = leaves[index] ?? new Uint8Array();
        const claim = { index, size, proof, root };
        expect(verifyInclusion(sha256, leaf, claim)).toBe(true);
        expect(verifyInclusion(sha256, Buffer.concat([leaf, Buffer.of(1)]), claim)).toBe(false);
        expect(verifyInclusion(sha256, leaf, { ...claim, root: sha256(root) })).toBe(false);
        expect(verifyInclusion(sha256, leaf, { ...claim, proof: [...proof, root] })).toBe(false);
        if (proof.length > 0) expect(verifyInclusion(sha256, leaf, { ...claim, proof: proof.slice(1) })).toBe(false);
        const same = otherIndex < size && Buffer.compare(leaves[otherIndex] ?? Buffer.of(), leaf) === 0;
        if (!same) expect(verifyInclusion(sha256, leaf, { ...claim, index: otherIndex })).toBe(false);
        if (otherSize <= index) expect(verifyInclusion(sha256, leaf, { ...claim, size: otherSize })).toBe(false);
      }),
    );
  });

  it('answers false for nonsense', () => {
    const { root } = buildTree(sha256, [Buffer.of(1)]);
    for (const index of [-1, 0.5, Number.NaN, 2 ** 60])
      expect(verifyInclusion(sha256, Buffer.of(1), { index, size: 1, proof: [], root })).toBe(false);
    expect(() => inclusionProof(buildTree(sha256, []), 0)).toThrow('No leaf 0');
  });
});
