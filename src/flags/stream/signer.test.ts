import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateSigner } from './signer.ts';

let home: string;
beforeEach(() => void (home = mkdtempSync(path.join(tmpdir(), 'slw-signer-'))));
afterEach(() => rmSync(home, { recursive: true, force: true }));

const FILE = 'flags-signing-keys.pem';
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('the key that signs flags', () => {
  it('is made once, for the owner alone', () => {
    const { key, keys } = loadOrCreateSigner(home);
    expect([key, keys]).toEqual([expect.stringMatching(/^ed25519:[A-Za-z0-9+/]{43}=$/), [key]]);
    expect(loadOrCreateSigner(home).key).toBe(key);
    expect([readdirSync(home), statSync(path.join(home, FILE)).mode & 0o777]).toEqual([[FILE], 0o600]);
  });

  it('is the first of its file; the others are named, and another list has another tag', () => {
    const before = loadOrCreateSigner(home);
    const file = path.join(home, FILE);
    const next = pem(generateKeyPairSync('ed25519').privateKey);
    const first = readFileSync(file, 'utf8');
    writeFileSync(file, first + next);
    const both = loadOrCreateSigner(home);
    expect([both.key, both.keys.length, both.keys[0]]).toEqual([before.key, 2, before.key]);
    expect(both.tag).not.toBe(before.tag);
    writeFileSync(file, next + first);
    expect(loadOrCreateSigner(home).keys).toEqual([both.keys[1], both.keys[0]]);
  });

  it.each([
    ['empty', ''],
    ['of another kind', pem(generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey)],
    ['noise', '\0'],
  ])('is refused when its file is %s', (_what, text) => {
    loadOrCreateSigner(home);
    writeFileSync(path.join(home, FILE), text);
    expect(() => loadOrCreateSigner(home)).toThrow(expect.objectContaining({ code: 'state_corrupt' }));
  });
});
