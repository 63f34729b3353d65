import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fingerprint } from './adapters/crypto.ts';
import { loadOrCreateKeys } from './keys.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-keys-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const FILE = 'signing-keys.pem';

describe('signing keys', () => {
  it('are made once, for the owner alone, and nothing else is left', async () => {
    const directory = join(home, 'a/b');
    const keys = loadOrCreateKeys(directory);
    expect(loadOrCreateKeys(directory)).toEqual(keys);
    expect((await stat(join(directory, FILE))).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual([FILE]);
    expect(createPublicKey(keys.pack.publicPem).asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(createPublicKey(keys.log.publicPem).asymmetricKeyType).toBe('ed25519');
  });

  it('are the same for processes that make them at once', async () => {
    const script = `import { loadOrCreateKeys } from ${JSON.stringify(join(import.meta.dirname, 'keys.ts'))}; console.log(loadOrCreateKeys(process.argv[1]).pack.publicPem)`;
    const runs = [1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, join(home, 'k')]));
    const seen = new Set((await Promise.all(runs)).map(({ stdout }) => stdout));
    expect(seen.size).toBe(1);
    expect(await readdir(join(home, 'k'))).toEqual([FILE]);
  });

  it.each([
    ['empty', () => ''],
    ['noise', () => '\u0000\u0001'],
    ['half', (text: string) => text.slice(0, text.length / 2)],
    ['one key twice', (text: string) => (text.match(/-----BEGIN[\s\S]*?END PRIVATE KEY-----\n/)?.[0] ?? '').repeat(2)],
    [
      'another curve',
      () =>
        [0, 1]
          .map(() => generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }))
          .join(''),
    ],
  ])('are refused when the file is %s, and the file is kept', async (_name, spoil) => {
    loadOrCreateKeys(home);
    const spoilt = spoil(await readFile(join(home, FILE), 'utf8'));
    await writeFile(join(home, FILE), spoilt);
    expect(() => loadOrCreateKeys(home)).toThrow(expect.objectContaining({ code: 'state_corrupt' }));
    expect(await readFile(join(home, FILE), 'utf8')).toBe(spoilt);
  });

  it('are refused when others may read them', async () => {
    loadOrCreateKeys(home);
    await chmod(join(home, FILE), 0o644);
    expect(() => loadOrCreateKeys(home)).toThrow('Others may read');
  });

  it('have the fingerprint that openssl and base64 give', () => {
    const { pack } = loadOrCreateKeys(home);
    const der = Buffer.from(pack.publicPem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64');
    expect(fingerprint(pack.publicPem)).toBe(`SHA256:${createHash('sha256').update(der).digest('base64')}`);
  });
});
