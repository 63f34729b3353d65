import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SlipwayError } from '../kernel/index.ts';
import { loadSet } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-set-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['api', 'web']) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'slipway.yaml'), `service: ${name}\nrun: node server.js\n`);
}
mkdirSync(join(folder, 'empty'));

const load = (text: string) => {
  writeFileSync(join(folder, 'slipway.yaml'), text);
  return loadSet(folder);
};

describe('a set of services', () => {
  it('is read with its order and its folders', async () => {
    expect(await load('set: shop\nservices: [api, ./web]\norder: in-turn\n')).toEqual({
      name: 'shop',
      order: 'in-turn',
      folders: [join(folder, 'api'), join(folder, 'web')],
    });
    expect(await load('set: shop\nservices: [api, web]\n')).toMatchObject({ order: 'together' });
  });

  it('is none where a service is declared, or nothing that can be read', async () => {
    expect(await load('service: shop\nrun: node server.js\n')).toBeNull();
    expect(await load('service: [')).toBeNull();
    expect(await loadSet(join(folder, 'empty'))).toBeNull();
  });

  it.each([
    ['services: [api, web]', 'slipway.yaml:1:1  set'],
    ['set: shop\nservices: [api]', 'needs at least two folders'],
    ['set: shop\nservices: [api, ../web]', 'must be a path inside the project'],
    ['set: shop\nservices: [api, ./api]', 'names the folder ./api twice'],
    ['set: shop\nservices: [api, empty]', 'empty, which has no slipway.yaml'],
    ['set: shop\nservices: [api, nowhere]', 'nowhere, which has no slipway.yaml'],
    ['set: shop\nservices: [api, web]\norder: any', 'slipway.yaml:3:8  order'],
    ['set: shop\nservices: [api, web]\nlisten: 8080', 'slipway.yaml:3:1  listen'],
    ['set: Shop!\nservices: [api, web]', 'lower-case letters'],
  ])('%j is refused: %s', async (text, message) => {
    const error = await load(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).message).toContain(message);
  });
});
