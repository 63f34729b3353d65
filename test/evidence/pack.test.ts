import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPack, nextEntry, verifyPack, type LedgerFact } from '../../src/evidence/index.ts';
import { POSIX, toolbox, TOOLS, verifyByHand, whereIs } from './by-hand.ts';
import { filesOf, ledgerOf, sampleFacts, sampleInput, samplePack, scratch, type Sample } from './pack.ts';

let home: Awaited<ReturnType<typeof scratch>>;
let fresh: Sample & { readonly pack: string };
let tools: string;

beforeAll(async () => {
  home = await scratch();
  fresh = await samplePack(home.path);
  tools = await toolbox(join(home.path, 'tools'), TOOLS);
});
afterAll(async () => home.dispose());

describe('a fresh pack', () => {
  it('verifies, every check with a reason', async () => {
    const { verdict, checks } = await verifyPack(fresh.pack, { pins: fresh.pins });
    expect(checks.filter((check) => check.verdict !== 'pass')).toEqual([]);
    expect(verdict).toBe('pass');
    expect(checks.map(({ name }) => name)).toEqual(
      ['file set', 'sums', 'sums signature', 'statement', 'chain', 'checkpoint', 'inclusion proofs', 'logs', 'summary', 'keys'], // docs/evidence.md
    );
  });

  it('is unknown, not pass, while no fingerprint is pinned', async () => {
    const { verdict, checks } = await verifyPack(fresh.pack, { pins: { pack: [], log: [] } });
    expect(verdict).toBe('unknown');
    expect(checks.at(-1)?.reason).toContain('keys came from the pack itself');
  });

  it('passes with the pack key alone pinned, and fails when either pinned key is another', async () => {
    const { pack, log } = fresh.pins;
    expect((await verifyPack(fresh.pack, { pins: { pack, log: [] } })).verdict).toBe('pass');
    expect((await verifyPack(fresh.pack, { pins: { pack, log: ['SHA256:other'] } })).verdict).toBe('fail');
    expect((await verifyPack(fresh.pack, { pins: { pack: log, log } })).verdict).toBe('fail');
  });

  it('verifies by hand with exactly the tools the page names', async () => {
    const { code, out, err } = await verifyByHand(fresh.pack, fresh.pins.pack[0] ?? '', tools);
    expect(err.replaceAll(/^Verified OK\n|^Signature Verified Successfully\n/gm, '')).toBe('');
    expect(code).toBe(0);
    expect(out).toContain('VERIFIED: shop 1.1.0 in prd: PASS');
  });

  it.runIf(whereIs('shasum') !== null)('verifies by hand where there is only shasum, as on macOS', async () => {
    const perl = await toolbox(join(home.path, 'tools-mac'), [...POSIX, 'openssl', 'jq', 'shasum', 'perl']);
    const { code, out } = await verifyByHand(fresh.pack, fresh.pins.pack[0] ?? '', perl);
    expect([code, out]).toEqual([0, expect.stringContaining('VERIFIED')]);
  });

  it('fails by hand with another pin', async () => {
    expect((await verifyByHand(fresh.pack, fresh.pins.log[0] ?? '', tools)).err).toContain('not the pinned one');
  });

  it('shows the report without asking the network, escaped', async () => {
    const html = await readFile(join(fresh.pack, 'report.html'), 'utf8');
    expect(html).not.toMatch(/<script|(?:src|href)="(?:https?:)?\/\//);
    expect(html).not.toContain('<here>');
    for (const text of [
      '1.1.0',
      'PASS',
      'migrate.apply went well',
      '12 GB &#60;free&#62;',
      'switch back to 1.0.0',
      '1.5s',
      'no scanner &#60;here&#62;',
    ])
      expect(html).toContain(text);
  });
});

describe('export', () => {
  it('gives the same bytes for the same input, P-256 signatures and their sums excepted', async () => {
    await exportPack(fresh.input, fresh.keys, join(home.path, 'again'));
    const [one, two] = [await filesOf(fresh.pack), await filesOf(join(home.path, 'again'))];
    const different = Object.keys(one).filter((name) => one[name] !== two[name]);
    expect(Object.keys(two)).toEqual(Object.keys(one));
    expect(different).toEqual(['SHA256SUMS', 'SHA256SUMS.sig', 'attestations/deployment.dsse.json']);
  });

  it('puts in what the page promises', async () => {
    expect(Object.keys(await filesOf(fresh.pack))).toEqual(
      [
        ...['SHA256SUMS', 'SHA256SUMS.sig', 'VERIFY.md', 'events.jsonl', 'report.html', 'summary.json'],
        ...['artifacts/envelope.json', 'artifacts/plan.json', 'attestations/deployment.dsse.json'],
        ...[
          'keys/log.pub',
          'keys/log.vkey',
          'keys/pack.pub',
          'log/checkpoint',
          ...[0, 3, 4, 6, 7].map((seq) => `log/proofs/${seq}.tlog-proof`),
        ],
        ...['steps/01-preflight.log', 'steps/02-migrate.log', 'steps/03-smoke.log'],
      ].sort(),
    );
  });

  it('lets what the ledger says win over a fact of the caller', async () => {
    const summary = JSON.parse(await readFile(join(fresh.pack, 'summary.json'), 'utf8')) as Record<string, unknown>;
    expect(summary).toMatchObject({ verdict: 'PASS', gitHead: '04fe96bd513373', previous: '1.0.0', outcome: 'released' });
  });

  it.each([
    ['a missing log', async (sample: Sample) => rm(sample.input.logs[0]?.file ?? ''), 'cannot be read'],
    ['a changed log', async (sample: Sample) => writeFile(sample.input.logs[0]?.file ?? '', 'other'), 'was changed after it was recorded'],
  ] as const)('refuses %s and leaves nothing behind', async (name, spoil, message) => {
    const folder = join(home.path, name.replaceAll(' ', '-'));
    const sample = await sampleInput(folder);
    await spoil(sample);
    await expect(exportPack(sample.input, sample.keys, join(folder, 'out/pack'))).rejects.toMatchObject({
      code: 'evidence_invalid',
      message: expect.stringContaining(message),
    });
    expect(await readdir(join(folder, 'out'))).toEqual([]);
  });

  it('refuses logs the ledger does not name, and a ledger whose logs are not given', async () => {
    const [extra] = fresh.input.logs;
    const more = { ...fresh.input, logs: [...fresh.input.logs, { ...extra!, name: '09-extra.log' }] };
    await expect(exportPack(more, fresh.keys, join(home.path, 'no'))).rejects.toThrow('no event names 09-extra.log');
    const fewer = { ...fresh.input, logs: fresh.input.logs.slice(1) };
    await expect(exportPack(fewer, fresh.keys, join(home.path, 'no'))).rejects.toThrow('01-preflight.log is missing');
  });

  it('refuses a broken ledger, another verdict, an existing directory and a name that leaves the pack', async () => {
    const no = join(home.path, 'no');
    const gap = fresh.input.entries.filter(({ seq }) => seq !== 2);
    await expect(exportPack({ ...fresh.input, entries: gap }, fresh.keys, no)).rejects.toMatchObject({ code: 'evidence_invalid' });
    await expect(exportPack({ ...fresh.input, verdict: 'FAIL' }, fresh.keys, no)).rejects.toThrow('the ledger says PASS');
    await expect(exportPack(fresh.input, fresh.keys, fresh.pack)).rejects.toMatchObject({ code: 'not_possible_now' });
    for (const name of ['../out', 'a b', '/etc/x', 'ä', 'plan.json']) {
      const artifacts = [...fresh.input.artifacts, { name, text: 'x' }];
      await expect(exportPack({ ...fresh.input, artifacts }, fresh.keys, no)).rejects.toThrow(/file name|twice/);
    }
    expect((await readdir(home.path)).filter((name) => name === 'no' || name.includes('partial'))).toEqual([]);
  });

  it.each([
    ['rolled-back', 'FAIL'],
    ['unchanged', 'FAIL'],
    ['stuck', 'FAIL'],
    ['teleported', 'UNKNOWN'],
  ] as const)('outcome %s is %s, and verifies as such both ways', async (outcome, verdict) => {
    const sample = await sampleInput(join(home.path, outcome), ledgerOf(sampleFacts(outcome)));
    const pack = join(home.path, outcome, 'pack');
    await exportPack({ ...sample.input, verdict }, sample.keys, pack);
    expect((await verifyPack(pack, { pins: sample.pins })).verdict).toBe('pass');
    expect((await verifyByHand(pack, sample.pins.pack[0] ?? '', tools)).out).toContain(`in prd: ${verdict}`);
  });

  it('exports an unfinished first release as UNKNOWN', async () => {
    const facts = [
      { type: 'release.requested', data: { plan: { service: 'shop', environment: 'prd', version: '1.0.0', previous: null } } },
    ];
    const entries = ledgerOf(facts);
    const pack = join(home.path, 'unfinished');
    await exportPack({ ...fresh.input, entries, logs: [], verdict: 'UNKNOWN' }, fresh.keys, pack);
    expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('pass');
    expect((await verifyByHand(pack, fresh.pins.pack[0] ?? '', tools)).out).toContain('UNKNOWN');
  });

  it('copies a log its owner may only read', async () => {
    const sample = await sampleInput(join(home.path, 'readonly'));
    for (const { file } of sample.input.logs) await chmod(file, 0o400);
    await exportPack(sample.input, sample.keys, join(home.path, 'readonly/pack'));
    expect((await verifyPack(join(home.path, 'readonly/pack'), { pins: sample.pins })).verdict).toBe('pass');
  });

  it('holds every size of log around the powers of two, by hand too', async () => {
    for (const extra of [0, 1, 2, 6, 7, 8]) {
      const entries = [...ledgerOf(sampleFacts().slice(0, -1))];
      const [last] = ledgerOf(sampleFacts()).slice(-1);
      for (let n = 0; n < extra; n++)
        entries.push(
          nextEntry(entries.at(-1) ?? null, {
            time: '2026-11-21T09:31:00.000Z',
            release: fresh.input.release,
            type: 'note',
            actor: 'ada',
            data: `\\ %s ${n} — ü`,
          }),
        );
      entries.push(
        nextEntry(entries.at(-1) ?? null, { ...(JSON.parse(last?.line ?? '{}') as LedgerFact), time: '2026-11-21T09:32:00.000Z' }),
      );
      const pack = join(home.path, `size-${extra}`);
      await exportPack({ ...fresh.input, entries }, fresh.keys, pack);
      expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('pass');
      expect(await verifyByHand(pack, fresh.pins.pack[0] ?? '', tools)).toMatchObject({ code: 0 });
    }
  }, 180_000);
});
