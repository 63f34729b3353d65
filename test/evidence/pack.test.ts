import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPack, nextEntry, verifyPack } from '../../src/evidence/index.ts';
import { digestOf, filesOf, ledgerOf, sampleFacts, sampleInput, samplePack, scratch, type Sample } from './pack.ts';
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

/** Everything docs/verify-evidence.md may call; nothing else is on its PATH. */
const POSIX = ['sh', 'od', 'tr', 'mktemp', 'rm', 'find', 'cut', 'sort', 'cmp', 'wc', 'cat', 'sed', 'tail', 'head', 'cp', 'mv', 'grep'];
const TOOLS = [...POSIX, 'sha256sum', 'openssl', 'jq'];

function whereIs(tool: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      accessSync(join(folder, tool), constants.X_OK);
      return join(folder, tool);
    } catch {
      continue;
    }
  }
  return null;
}

async function toolbox(directory: string, names: readonly string[]): Promise<string> {
  await mkdir(directory);
  for (const name of names) {
    const path = whereIs(name);
    if (path === null) throw new Error(`${name} is needed for this test`);
    await symlink(path, join(directory, name));
  }
  return directory;
}

/** Runs the code blocks of the page, as they stand, in one shell. */
async function verifyByHand(
  pack: string,
  pin: string,
  path = tools,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const page = await readFile(join(import.meta.dirname, '../../docs/verify-evidence.md'), 'utf8');
  const script = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join('\n');
  return new Promise((done) => {
    const env = { PATH: path, PACK: pack, PIN: pin, TMPDIR: home.path, LC_ALL: 'C' };
    const child = execFile('/bin/sh', ['-s'], { env }, (error, out, err) =>
      done({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    child.stdin?.end(script);
  });
}

const copies = { made: 0 };
async function copyOfPack(): Promise<string> {
  const copy = join(home.path, `copy-${copies.made++}`);
  await cp(fresh.pack, copy, { recursive: true });
  return copy;
}

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
    const { code, out, err } = await verifyByHand(fresh.pack, fresh.pins.pack[0] ?? '');
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
    expect((await verifyByHand(fresh.pack, fresh.pins.log[0] ?? '')).err).toContain('not the pinned one');
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

describe('tampering', () => {
  it.each(TAMPERINGS)('$name is caught by $caughtBy and by hand', async ({ apply, caughtBy }) => {
    const pack = await copyOfPack();
    await apply(pack, fresh);
    const { verdict, checks } = await verifyPack(pack, { pins: fresh.pins });
    expect(verdict).toBe('fail');
    const failed = checks.filter((check) => check.verdict === 'fail').map(({ name }) => name);
    expect(failed).toEqual(expect.arrayContaining([...caughtBy]));
    const byHand = await verifyByHand(pack, fresh.pins.pack[0] ?? '');
    expect(byHand.code).not.toBe(0);
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
    expect((await verifyByHand(pack, sample.pins.pack[0] ?? '')).out).toContain(`in prd: ${verdict}`);
  });

  it('exports an unfinished first release as UNKNOWN', async () => {
    const facts = [
      { type: 'release.requested', data: { plan: { service: 'shop', environment: 'prd', version: '1.0.0', previous: null } } },
    ];
    const entries = ledgerOf(facts);
    const pack = join(home.path, 'unfinished');
    await exportPack({ ...fresh.input, entries, logs: [], verdict: 'UNKNOWN' }, fresh.keys, pack);
    expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('pass');
    expect((await verifyByHand(pack, fresh.pins.pack[0] ?? '')).out).toContain('UNKNOWN');
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
      entries.push(nextEntry(entries.at(-1) ?? null, { ...(JSON.parse(last?.line ?? '{}') as never), time: '2026-11-21T09:32:00.000Z' }));
      const pack = join(home.path, `size-${extra}`);
      await exportPack({ ...fresh.input, entries }, fresh.keys, pack);
      expect((await verifyPack(pack, { pins: fresh.pins })).verdict).toBe('pass');
      expect(await verifyByHand(pack, fresh.pins.pack[0] ?? '')).toMatchObject({ code: 0 });
    }
  });
});
