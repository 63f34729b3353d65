import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyPack } from '../../src/evidence/index.ts';
import { toolbox, TOOLS, verifyByHand } from './by-hand.ts';
import { digestOf, samplePack, scratch, type Sample } from './pack.ts';
import { TAMPERINGS } from './tamper.ts';

let home: Awaited<ReturnType<typeof scratch>>;
let fresh: Sample & { readonly pack: string };
let tools: string;

beforeAll(async () => {
  home = await scratch();
  fresh = await samplePack(home.path);
  tools = await toolbox(join(home.path, 'tools'), TOOLS);
});
afterAll(async () => home.dispose());

const copies = { made: 0 };
async function copyOfPack(): Promise<string> {
  const copy = join(home.path, `copy-${copies.made++}`);
  await cp(fresh.pack, copy, { recursive: true });
  return copy;
}

describe('tampering', () => {
  it.each(TAMPERINGS)('$name is caught by $caughtBy and by hand', async ({ apply, caughtBy }) => {
    const pack = await copyOfPack();
    await apply(pack, fresh);
    const { verdict, checks } = await verifyPack(pack, { pins: fresh.pins });
    expect(verdict).toBe('fail');
    const failed = checks.filter((check) => check.verdict === 'fail').map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining([...caughtBy]));
    const byHand = await verifyByHand(pack, fresh.pins.pack[0] ?? '', tools);
    expect(byHand.code).not.toBe(0);
    expect(byHand.err).toContain('FAILED:');
    expect(byHand.out).not.toContain('VERIFIED:');
  });

  it('leaves the hash chain alone blind to a cut tail and a rebuilt chain, which is why there is a checkpoint', async () => {
    for (const { name, apply } of TAMPERINGS.filter((tampering) => tampering.name.includes('alone passes'))) {
      const pack = await copyOfPack();
      await apply(pack, fresh);
      const { checks } = await verifyPack(pack, { pins: fresh.pins });
      expect([name, checks.find((check) => check.name === 'chain')?.verdict]).toEqual([name, 'pass']);
    }
  });
});

describe('a malformed pack', () => {
  const FILES = [
    'SHA256SUMS',
    'SHA256SUMS.sig',
    'summary.json',
    'events.jsonl',
    'log/checkpoint',
    'log/proofs/3.tlog-proof',
    'keys/pack.pub',
    'keys/log.pub',
    'keys/log.vkey',
    'attestations/deployment.dsse.json',
  ];
  const CONTENTS = ['', '{', '[]', 'null', '{"signatures":[{}]}', '\u0000\u001b[31m', '"\\ud800"', '['.repeat(100_000)];

  it.each(FILES)('%s, whatever it holds, is a failed check and never an exception', async (name) => {
    const pack = await copyOfPack();
    for (const content of [...CONTENTS, Uint8Array.of(0xff, 0xfe, 10)]) {
      await writeFile(join(pack, name), content);
      const { verdict, checks } = await verifyPack(pack, { pins: fresh.pins });
      expect(verdict).toBe('fail');
      expect(checks).toHaveLength(10);
      // eslint-disable-next-line no-control-regex -- a reason must not steer the terminal
      expect(checks.map(({ reason }) => reason).join()).not.toMatch(/[\u0000-\u001f]/);
    }
    await rm(join(pack, name));
    expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('fail');
  });

  it('fails when empty, and when a listed name leaves the pack', async () => {
    const empty = join(home.path, 'empty');
    await mkdir(empty);
    expect((await verifyPack(empty, { pins: fresh.pins })).verdict).toBe('fail');
    const pack = await copyOfPack();
    await writeFile(join(pack, 'SHA256SUMS'), `${digestOf('x')}  ../escape\n`);
    expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('fail');
  });
});
