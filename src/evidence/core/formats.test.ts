import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../adapters/crypto.ts';
import { fromBase64, toBase64, toHex } from './bytes.ts';
import { checkpointText, formatNote, logVerifierKey, parseNote } from './checkpoint.ts';
import { escapeHtml } from './html.ts';
import { formatSums, isPackName, parseSums } from './layout.ts';
import { formatProof, parseProof } from './proof.ts';
import { preAuthEncoding } from './statement.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('bytes', () => {
  it('speaks base64 and hex as the platform does, and reads only what a strict encoder writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
      }),
    );
    for (const text of ['A', 'AB', 'ABC', 'AB==\n', 'AB=C', '====', 'AB-_', 'AR==']) expect(fromBase64(text)).toBeNull();
  });
});

describe('the checkpoint note', () => {
  it('is read back as written', () => {
    fc.assert(
      fc.property(hash, fc.nat(), fc.uint8Array({ minLength: 64, maxLength: 64 }), (root, size, signature) => {
        const text = checkpointText({ origin: 'slipway/shop/prd/1', size, root });
        const keyId = root.slice(0, 4);
        expect(parseNote(formatNote(text, 'slipway/shop/prd/1', keyId, signature))).toEqual({
          origin: 'slipway/shop/prd/1',
          size,
          root,
          text,
          keyId,
          signature,
        });
      }),
    );
  });

  it('is nothing else', () => {
    const root = new Uint8Array(32);
    const note = formatNote(checkpointText({ origin: 'a', size: 1, root }), 'a', root.slice(0, 4), new Uint8Array(64));
    expect(parseNote(note)).not.toBeNull();
    const spoilt = [
      note.slice(1),
      `${note}\n`,
      note.replace('\n1\n', '\n01\n'),
      note.replace('\n1\n', '\n-1\n'),
      note.replace('\u2014', '-'),
      note.replace('\u2014 a', '\u2014 b'),
    ];
    for (const text of [...spoilt, note.replace('AAAA', 'AAA'), note.replaceAll('a', 'a b')]) expect(parseNote(text)).toBeNull();
  });

  it('has the verifier key of the signed-note specification', () => {
    // Example key of golang.org/x/mod/sumdb/note: PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW
    const key = Buffer.from('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', 'base64').subarray(1);
    expect(logVerifierKey(sha256, 'PeterNeumann', key)).toBe('PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW');
  });
});

describe('the proof file', () => {
  it('is read back as written, and nothing else is one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(hash, { maxLength: 63 }), (index, hashes) => {
        const proof = { index, hashes, checkpoint: 'origin\n1\nroot\n\nsignature\n' };
        expect(parseProof(formatProof(proof))).toEqual(proof);
      }),
    );
    const good = formatProof({ index: 0, hashes: [new Uint8Array(32)], checkpoint: 'c' });
    for (const text of ['', '\n\n', good.replace('@v1', '@v2'), good.replace('index 0', 'index -0'), good.replace('AAAA', 'AAA')])
      expect(parseProof(text)).toBeNull();
  });
});

describe('DSSE', () => {
  it('encodes the example of its specification, lengths in bytes', () => {
    const encoded = preAuthEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    expect(Buffer.from(encoded).toString()).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
    expect(Buffer.from(preAuthEncoding('é', Buffer.from('é'))).toString()).toBe('DSSEv1 2 é 2 é');
  });
});

describe('the list of sums', () => {
  it('refuses names that leave the pack, need escaping or come twice', () => {
    for (const name of ['../a', 'a/../b', '/a', 'a//b', './a', 'a/', '', 'a b', 'a\nb', 'ä', '\\a']) expect(isPackName(name)).toBe(false);
    const sum = { name: 'a/b-1_2.log', sha256: '0'.repeat(64) };
    expect(parseSums(formatSums([sum]))).toEqual([sum]);
    for (const text of [
      '',
      'x',
      formatSums([sum, sum]),
      formatSums([{ ...sum, sha256: 'A'.repeat(64) }]),
      formatSums([sum]).replace('  ', ' *'),
      `${formatSums([sum])}\n`,
    ])
      expect(parseSums(text)).toBeNull();
  });
});

describe('HTML', () => {
  it('lets no text become markup or leave an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', ';', '#', 'a') }), (text) => {
        expect(escapeHtml(text)).not.toMatch(/[<>"']|&(?!#\d+;)/);
      }),
    );
  });
});
