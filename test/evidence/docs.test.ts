import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyPack } from '../../src/evidence/index.ts';
import { filesOf, samplePack, scratch, type Sample } from './pack.ts';

let home: Awaited<ReturnType<typeof scratch>>;
let sample: Sample & { readonly pack: string };
let page: string;

beforeAll(async () => {
  home = await scratch();
  sample = await samplePack(home.path);
  page = await readFile(join(import.meta.dirname, '../../docs/evidence.md'), 'utf8');
});
afterAll(async () => home.dispose());

function section(title: string): string {
  return page.split(/^## /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
}

it('docs/evidence.md lists the checks in the order they are made', async () => {
  const { checks } = await verifyPack(sample.pack, { pins: sample.pins });
  const listed = [...section('Checks').matchAll(/^\| `([a-z ]+)` \|/gm)].map(([, name]) => name);
  expect(listed).toEqual(checks.map(({ name }) => name));
});

it('docs/evidence.md names every file of a pack', async () => {
  const text = section('What is in a pack');
  for (const name of Object.keys(await filesOf(sample.pack))) {
    const general = name.replace(/^steps\/.*/, 'steps/NN-name.log').replace(/\d+\.tlog-proof/, 'SEQ.tlog-proof');
    expect(text).toContain(general.replace(/^artifacts\//, ''));
  }
});

it('docs/evidence.md describes every event the release room can record', async () => {
  const source = await readFile(join(import.meta.dirname, '../../src/release/core/events.ts'), 'utf8');
  const types = [...source.matchAll(/^ {2}'([a-z]+\.[a-z]+)':/gm)].map(([, type]) => type ?? '');
  expect(types.length).toBeGreaterThan(10);
  for (const type of types) expect(section('Events')).toContain(`\`${type}\``);
});
