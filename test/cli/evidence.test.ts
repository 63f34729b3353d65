import { appendFileSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { samplePack, type Sample } from '../evidence/pack.ts';
import { inProcess, scratch, slipway } from './support.ts';

const home = scratch();
afterAll(home.remove);

let sample: Sample & { readonly pack: string };
let pin: string;
const elsewhere = join(home.path, 'elsewhere');

beforeAll(async () => {
  mkdirSync(elsewhere);
  sample = await samplePack(home.path);
  pin = sample.pins.pack[0] ?? '';
});

describe('evidence verify', () => {
  it('passes with the right pin, by the built program, without leaving anything behind', () => {
    const ran = slipway(['evidence', 'verify', sample.pack, '--pin', pin], { cwd: elsewhere });
    expect(ran).toMatchObject({ exit: 0, err: '', out: expect.stringContaining('✓ PASS: this pack is what was signed') });
    expect(ran.out).not.toContain('\u001B');
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('is unknown without a pin, which is no pass', async () => {
    const { exit, out } = await inProcess(['-C', elsewhere, 'evidence', 'verify', sample.pack]);
    expect(exit).toBe(6);
    expect(out).toContain('? UNKNOWN: the pack agrees with itself, but nobody vouches for its keys');
  });

  it("without a pin, this installation's own keys are the pins", async () => {
    const { exit, out } = await inProcess(['evidence', 'verify', sample.pack], { SLIPWAY_HOME: home.path });
    expect(exit).toBe(0);
    expect(out).toContain("this installation's own keys");
  });

  it('fails for a wrong pin and for a changed file, and says so in JSON', async () => {
    const other = `SHA256:${'A'.repeat(43)}=`;
    expect(await inProcess(['evidence', 'verify', sample.pack, '--pin', other])).toMatchObject({
      exit: 14,
      out: expect.stringContaining('✗ FAIL: do not trust this pack'),
    });
    const changed = join(home.path, 'changed');
    cpSync(sample.pack, changed, { recursive: true });
    appendFileSync(join(changed, 'summary.json'), ' ');
    const { exit, out } = await inProcess(['evidence', 'verify', changed, '--pin', pin, '--json']);
    expect(exit).toBe(14);
    const document = JSON.parse(out) as { checks: { name: string; verdict: string; fix?: string }[] };
    expect(document).toMatchObject({ directory: changed, pins: 'given', verdict: 'fail' });
    expect(document.checks.find(({ name }) => name === 'sums')).toMatchObject({ verdict: 'fail', fix: expect.any(String) });
  });

  it('a folder that is no pack fails', async () => {
    expect(await inProcess(['evidence', 'verify', elsewhere, '--pin', pin])).toMatchObject({ exit: 14 });
  });
});

describe('evidence show', () => {
  it('tells what a pack says and whether it holds', async () => {
    const { exit, out } = await inProcess(['evidence', 'show', sample.pack, '--pin', pin]);
    expect(exit).toBe(0);
    expect(out).toContain('shop 1.1.0 in prd: PASS');
    expect(out).toContain('✓ PASS: this pack is what was signed');
    const document = JSON.parse((await inProcess(['evidence', 'show', sample.pack, '--pin', pin, '--json'])).out) as object;
    expect(document).toMatchObject({ summary: { verdict: 'PASS', release: sample.input.release }, verdict: 'pass', pins: 'given' });
  });

  it('a folder without a summary is refused', async () => {
    expect(await inProcess(['evidence', 'show', elsewhere])).toMatchObject({
      exit: 14,
      err: expect.stringContaining('no readable summary.json'),
    });
  });
});
