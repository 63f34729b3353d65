import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './load.ts';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'slipway-config-'));
});
afterAll(() => rm(root, { recursive: true }));

const TEXT = 'service: shop\nlisten: 8080\nrun: node server.js\n';

async function write(name: string, content: string | Buffer): Promise<string> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

describe('loadConfig', () => {
  it('reads a file or a folder', async () => {
    const file = await write('a/slipway.yaml', TEXT);
    const loaded = await loadConfig(path.dirname(file), 'prd');
    expect(loaded).toMatchObject({
      file,
      text: TEXT,
      sha256: createHash('sha256').update(TEXT).digest('hex'),
      definition: { service: 'shop', environment: 'prd' },
    });
    expect(await loadConfig(file, 'prd')).toEqual(loaded);
  });

  it.each([
    ['nowhere', 'config_missing'],
    ['nowhere/slipway.yaml', 'config_missing'],
    ['empty', 'config_missing'],
    ['file.yaml/slipway.yaml', 'config_missing'],
    ['folder', 'config_invalid'],
  ])('%s: %s', async (name, code) => {
    await mkdir(path.join(root, 'empty'), { recursive: true });
    await mkdir(path.join(root, 'folder/slipway.yaml'), { recursive: true });
    await write('file.yaml', TEXT);
    await expect(loadConfig(path.join(root, name))).rejects.toMatchObject({ code });
  });

  it('names the line that is not UTF-8', async () => {
    const file = await write('latin1.yaml', Buffer.concat([Buffer.from('service: shop\n# caf'), Buffer.from([0xe9]), Buffer.from('\n')]));
    await expect(loadConfig(file)).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringMatching(/latin1\.yaml:2 is not UTF-8/),
    });
  });

  it('does not read a huge file', async () => {
    const file = await write('huge.yaml', Buffer.alloc(2 * 1024 * 1024, 'x'));
    await expect(loadConfig(file)).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('2097152 bytes') });
  });
});
