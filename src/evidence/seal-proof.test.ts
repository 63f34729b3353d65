import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyFingerprints, loadOrCreateKeys, sealProof, verifyPack, type Pins } from './index.ts';

let root: string;
let folder: string;
let pins: Pins;
const nobody: Pins = { pack: [], log: [] };
const LOG = 'made the schemas\n';

function proof(change: object = {}): string {
  const cells = [
    { required: true, verdict: 'pass' },
    { required: false, verdict: 'fail' },
  ];
  const log = { name: '01-prove.log', sha256: createHash('sha256').update(LOG).digest('hex'), bytes: LOG.length };
  return JSON.stringify({ schema: 'slipway.proof/1', verdict: 'pass', cells, log, ...change });
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'slipway-proof-'));
  folder = join(root, 'p');
  const keys = loadOrCreateKeys(join(root, 'keys'));
  pins = { pack: [keyFingerprints(keys).pack], log: [] };
  await write(proof());
});
afterEach(() => rmSync(root, { recursive: true }));

async function write(text: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  writeFileSync(join(folder, '01-prove.log'), LOG);
  writeFileSync(join(folder, 'proof.json'), text);
  await sealProof(folder, loadOrCreateKeys(join(root, 'keys')));
}
const failed = async (): Promise<readonly string[]> =>
  (await verifyPack(folder, { pins })).checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name);

describe('a sealed proof', () => {
  it('is verified with the key that was pinned, and is unknown without one', async () => {
    expect(await verifyPack(folder, { pins })).toMatchObject({ kind: 'proof', verdict: 'pass' });
    expect((await verifyPack(folder, { pins: nobody })).verdict).toBe('unknown');
    expect((await verifyPack(folder, { pins: { pack: ['SHA256:other'], log: [] } })).verdict).toBe('fail');
  });

  it('is verified with common tools', () => {
    const check = 'sha256sum -c --strict SHA256SUMS && openssl dgst -sha256 -verify keys/pack.pub -signature SHA256SUMS.sig SHA256SUMS';
    expect(execFileSync('sh', ['-c', check], { cwd: folder, encoding: 'utf8' })).toContain('Verified OK');
  });

  it.each([
    ['a word of it changed', () => writeFileSync(join(folder, 'proof.json'), proof({ service: 'other' })), ['sums']],
    ['its log changed', () => writeFileSync(join(folder, '01-prove.log'), 'x'), ['sums', 'proof']],
    ['a file added', () => writeFileSync(join(folder, 'more.txt'), 'x'), ['file set']],
    ['a link added', () => symlinkSync('/etc/passwd', join(folder, 'more')), ['file set']],
    [
      'its sums made anew',
      () =>
        writeFileSync(
          join(folder, 'SHA256SUMS'),
          readFileSync(join(folder, 'SHA256SUMS'), 'utf8').replace(/^./, (first) => (first === '0' ? '1' : '0')),
        ),
      ['sums', 'sums signature'],
    ],
  ])('does not pass with %s', async (_what, tamper, checks) => {
    tamper();
    expect(await failed()).toEqual(expect.arrayContaining(checks));
  });

  it('does not pass where its verdict is not what its cells say, although it is signed', async () => {
    for (const cells of [[{ required: true, verdict: 'unknown' }], [{ required: false, verdict: 'pass' }], []]) {
      await write(proof({ cells }));
      expect(await failed()).toEqual(['proof']);
    }
    await write(proof({ schema: 'other' }));
    expect(await failed()).toEqual(['proof']);
  });
});
