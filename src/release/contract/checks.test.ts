import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadOrCreateKeys, sealProof } from '../../evidence/index.ts';
import { columnShape, type ContractDefinition, type Contraction, type OldShape, type ShapeFacts } from '../../database/index.ts';
import type { PreviousVersion } from '../core/plan.ts';
import type { Proof } from '../prove/ports.ts';
import { checkFallback } from './fallback-check.ts';
import { precedes, type Looking } from './gate.ts';
import { proofOf } from './proofs.ts';
import { checkQueries } from './query-check.ts';
import { subjectsOf } from './subjects.ts';
import { checkWindow, serveableSince } from './version-checks.ts';

const HOUR = 3_600_000;
const name = columnShape(['customers'], 'name', 'drop');
const trigger: OldShape = { kind: 'rule', path: ['customers', 'both'], column: null, change: 'drop', told: 'trigger customers.both' };
const routine: OldShape = { kind: 'routine', path: ['keep_both'], column: null, change: 'drop', told: 'function keep_both' };
const other = columnShape(['orders'], 'note', 'drop');
const contraction = (file: string, ...shapes: readonly OldShape[]): Contraction => ({ file, line: 1, text: '', why: '', shapes });
const declared = (more: Partial<ContractDefinition> = {}): ContractDefinition => ({
  name: 'customer-name',
  drops: [name],
  replacedBy: null,
  since: '1.3.0',
  windowMs: HOUR,
  because: null,
  backfill: null,
  mismatch: null,
  fallback: null,
  allow: [],
  ...more,
});
const away = { dropped: [], replaced: [] };

/** What a check looks at, of which a test gives what it needs. */
const looking = (parts: object): Looking =>
  ({ now: 100 * HOUR, windowMs: HOUR, request: { definition: { service: 'shop', environment: 'dev' } }, ...parts }) as unknown as Looking;

describe('which version is older', () => {
  it.each([
    ['1.2.0', '1.3.0', true],
    ['1.3.0', '1.3.0-rc.1', false],
    ['0.0.0-f31a00000000', '0.0.0-1b2200000000', null],
    ['0.0.0-f31a00000000', '1.0.0', true],
    ['1.4.0+build.7', '1.4.0+build.8', null],
    ['monday', '1.0.0', null],
  ])('%s before %s: %s', (one, other, answer) => {
    expect(precedes(one, other)).toBe(answer);
  });
});

describe('what is contracted', () => {
  it('belongs to what declares it, with the triggers and functions of its file, and the rest to nobody', () => {
    const contractions = [
      contraction('2_drop', trigger),
      contraction('2_drop', routine),
      contraction('2_drop', columnShape(['public', 'customers'], 'name', 'drop')),
      contraction('2_drop', other),
      contraction('3_other', trigger),
    ];
    const [first, second] = subjectsOf([declared()], { contractions, unreadable: [], away });
    expect(first?.contractions.map(({ shapes }) => shapes[0]?.told)).toEqual([
      'trigger customers.both',
      'function keep_both',
      'public.customers.name',
    ]);
    expect(first?.shapes.map(({ told }) => told)).toEqual(['customers.name', 'trigger customers.both', 'function keep_both']);
    expect(second?.declared).toBe(null);
    expect(second?.contractions.map(({ file, shapes }) => `${file} ${shapes[0]?.told ?? ''}`)).toEqual([
      '2_drop orders.note',
      '3_other trigger customers.both',
    ]);
    // What cannot be read is nobody's either, and is not lost.
    const hidden = subjectsOf([declared()], { contractions: [], unreadable: [{ file: '4', line: 1, why: 'DO' }], away });
    expect(hidden.map((one) => [one.declared?.name ?? null, one.unreadable.length])).toEqual([
      ['customer-name', 0],
      [null, 1],
    ]);
  });
});

describe('the window', () => {
  const at = (parts: object) => checkWindow(looking({ since: '1.3.0', subject: { declared: declared() }, ...parts }));
  const use = { kind: 'until', at: 0, version: '1.2.0', by: null } as const;

  it('passes once it is over, and begins only when the warm time is', () => {
    expect(at({ use, freeSince: 99 * HOUR }).verdict).toBe('pass');
    expect(at({ use, freeSince: 99 * HOUR + 1 })).toMatchObject({ verdict: 'fail', fix: 'Ask again after 1970-01-05T04:00:00.001Z.' });
    expect(at({ use, freeSince: 101 * HOUR })).toMatchObject({
      verdict: 'fail',
      reason: 'the window has not begun: 1.2.0 is still kept warm',
    });
    expect(at({ use: { kind: 'now', version: '1.2.0' }, freeSince: null }).verdict).toBe('fail');
    expect(at({ use: { kind: 'unknown', reason: 'nobody knows' }, freeSince: null }).verdict).toBe('unknown');
    expect(at({ since: null, use: null, freeSince: null }).verdict).toBe('unknown');
  });
});

describe('proofs', () => {
  let home: string;
  beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), 'slipway-proofs-'))));
  afterAll(() => rm(home, { recursive: true, force: true }));
  const proof = (id: string, commit: string, verdict = 'pass') => ({
    schema: 'slipway.proof/1',
    id,
    service: 'shop',
    environment: 'dev',
    old: { version: '1.3.0' },
    new: { version: '1.4.0', commit },
    schemas: [{ schema: 'contracted', files: ['2_drop'] }],
    verdict,
    cells: [
      { version: 'old', schema: 'contracted', verdict: 'pass', cause: '', required: true },
      { version: 'new', schema: 'contracted', verdict, cause: 'GET / answered 500', required: true },
    ],
    log: { name: '01-prove.log', sha256: createHash('sha256').update('log').digest('hex'), bytes: 3 },
  });
  const save = async (id: string, content: string) => {
    await mkdir(join(home, 'proofs', id), { recursive: true });
    await writeFile(join(home, 'proofs', id, '01-prove.log'), 'log');
    await writeFile(join(home, 'proofs', id, 'proof.json'), content);
    await sealProof(join(home, 'proofs', id), loadOrCreateKeys(join(home, 'keys')));
  };
  const found = (files = ['2_drop'], commit = 'abc') => proofOf(home, { commit, service: 'shop', environment: 'dev', files });

  it('are taken by commit, the newest first, and only where they applied what is contracted', async () => {
    expect(await found()).toBe(null);
    await save('01', JSON.stringify(proof('01', 'abc', 'fail')));
    await save('02', JSON.stringify(proof('02', 'abc')));
    await save('03', JSON.stringify(proof('03', 'other')));
    await save('04', '{"schema": "slipway.pro');
    expect((await found())?.id).toBe('02');
    expect(await found(['2_drop', '3_more'])).toBe(null);
    expect(await found(['2_drop'], 'nobody')).toBe(null);
    // Made better by hand, it is no proof any more.
    await save('05', JSON.stringify(proof('05', 'abc', 'fail')));
    expect((await found())?.id).toBe('05');
    await writeFile(join(home, 'proofs', '05', 'proof.json'), JSON.stringify(proof('05', 'abc')));
    expect((await found())?.id).toBe('02');
  });

  it('say that what serves does without it, where they ran just that', () => {
    const one = proof('01', 'abc') as unknown as Proof;
    const serving = (version: string) => ({ version }) as PreviousVersion;
    expect(serveableSince(one, serving('1.3.0'))).toBe('1.3.0');
    expect(serveableSince(one, serving('1.2.0'))).toBe(null);
    expect(serveableSince({ ...one, cells: [] }, serving('1.3.0'))).toBe(null);
    expect(serveableSince(null, serving('1.3.0'))).toBe(null);
  });

  it('count more than the query set says, but for what it names', () => {
    const facts = (use: 'names' | 'takes all' | null) => ({ queries: use === null ? [] : [{ name: 'one', use }] }) as unknown as ShapeFacts;
    const ask = (parts: object, use: Parameters<typeof facts>[0]) =>
      checkQueries(looking({ proof: null, subject: { contractions: [{}] }, ...parts }), facts(use)).verdict;
    const set = { request: { definition: { database: { queries: 'queries' } }, proves: false } };
    const none = { request: { definition: { database: {} }, proves: false } };
    expect(ask(set, 'names')).toBe('fail');
    expect(ask(set, 'takes all')).toBe('unknown');
    expect(ask(set, null)).toBe('pass');
    expect(ask(none, null)).toBe('unknown');
    expect(ask({ request: { ...none.request, proves: true } }, null)).toBe('pass');
    expect(ask({ ...none, proof: proof('1', 'abc') }, 'takes all')).toBe('pass');
    expect(ask({ ...set, proof: proof('1', 'abc', 'fail') }, null)).toBe('fail');
    expect(ask({ ...set, proof: proof('1', 'abc') }, 'names')).toBe('fail');
  });
});

describe('the fallback counter of instances', () => {
  it('is known only as far back as the youngest of them runs', async () => {
    let body = 'read_fallback_total{shape="customer-name"} 0\n';
    const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const counter = { kind: 'instances', counter: 'read_fallback_total{shape="customer-name"}' } as const;
    const ask = (...instances: readonly { readonly port: number | null; readonly since: number }[]) => {
      const all = instances.map((one, index) => ({ process: 'web', index, ...one }));
      return checkFallback(
        looking({ deps: { target: { list: async () => [{ spec: { version: '1.3.0' }, instances: all }] } } }),
        'customer-name',
        counter,
      );
    };
    try {
      expect(await ask({ port, since: 90 * HOUR }, { port, since: 80 * HOUR })).toMatchObject({ verdict: 'pass' });
      // A worker without a port reads, too.
      expect(await ask({ port, since: 90 * HOUR }, { port: null, since: 90 * HOUR })).toMatchObject({ verdict: 'unknown' });
      expect(await ask({ port, since: 90 * HOUR }, { port, since: 99.5 * HOUR })).toMatchObject({
        verdict: 'unknown',
        reason: expect.stringContaining('the youngest instance') as string,
      });
      expect(await ask()).toMatchObject({ verdict: 'unknown' });
      expect(await ask({ port, since: 0 }, { port: 1, since: 0 })).toMatchObject({
        verdict: 'unknown',
        reason: '1 of 2 instances show no read_fallback_total',
      });
      body = 'read_fallback_total{shape="customer-name"} 3\n';
      expect(await ask({ port, since: 99.9 * HOUR })).toMatchObject({ verdict: 'fail', reason: 'reads fell back: 3 in 1.3.0 web-0' });
      body = 'read_fallback_total{shape="other"} 3\n';
      expect(await ask({ port, since: 0 })).toMatchObject({ verdict: 'unknown' });
    } finally {
      server.close();
    }
  });
});
