import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportPack,
  keyFingerprints,
  loadOrCreateKeys,
  nextEntry,
  type LedgerEntry,
  type LedgerFact,
  type PackInput,
  type Pins,
  type SigningKeys,
} from '../../src/evidence/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';

const RELEASE = '01jd0000000000000000000000';
export const ORIGIN = `slipway/shop/prd/${RELEASE}`;

export function digestOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A folder for one test file, removed by `dispose`. */
export async function scratch(): Promise<{ readonly path: string; readonly dispose: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'slipway-evidence-'));
  return { path, dispose: () => rm(path, { recursive: true, force: true }) };
}

/** Entries of consecutive facts, one second apart. */
export function ledgerOf(facts: readonly (Pick<LedgerFact, 'type' | 'data'> & { readonly actor?: string })[]): readonly LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const [index, { type, data, actor = 'ada' }] of facts.entries()) {
    const time = new Date(Date.UTC(2026, 10, 21, 9, 30, index)).toISOString();
    entries.push(nextEntry(entries.at(-1) ?? null, { time, release: RELEASE, type, actor, data }));
  }
  return entries;
}

const LOGS = { '01-preflight.log': 'all clear\n', '02-migrate.log': 'applied 004_add_price\n', '03-smoke.log': 'GET /health 200\n' };

function finished(step: string, log: keyof typeof LOGS): { readonly type: string; readonly data: JsonValue } {
  const text = LOGS[log];
  const [startedAt, finishedAt] = ['2026-11-21T09:30:01.000Z', '2026-11-21T09:30:02.500Z'];
  const checks = [{ name: 'disk', verdict: 'pass', reason: '12 GB <free>' }];
  const about = { step, stage: step.split('.')[0] ?? '', attempt: 1, verdict: 'pass', reason: `${step} went well` };
  return {
    type: 'step.finished',
    data: { ...about, checks, startedAt, finishedAt, log: { name: log, sha256: digestOf(text), bytes: text.length } },
  };
}

export function sampleFacts(outcome = 'released'): readonly { readonly type: string; readonly data: JsonValue }[] {
  const plan = { service: 'shop', environment: 'prd', version: '1.1.0', previous: '1.0.0', rollback: { story: 'switch back to 1.0.0' } };
  return [
    { type: 'release.requested', data: { plan } },
    { type: 'lock.acquired', data: { key: 'shop/prd' } },
    { type: 'step.intended', data: { step: 'preflight.check', stage: 'preflight', attempt: 1, key: 'k' } },
    finished('preflight.check', '01-preflight.log'),
    finished('migrate.apply', '02-migrate.log'),
    { type: 'step.skipped', data: { step: 'scan.run', stage: 'scan', reason: 'no scanner <here> "yet"' } },
    finished('verify.smoke', '03-smoke.log'),
    { type: 'release.finished', data: { outcome, reason: 'all checks passed — 100 %' } },
  ];
}

export interface Sample {
  readonly input: PackInput;
  readonly keys: SigningKeys;
  readonly pins: Pins;
}

/** A small finished release with its raw logs in `directory`. */
export async function sampleInput(directory: string, entries: readonly LedgerEntry[] = ledgerOf(sampleFacts())): Promise<Sample> {
  const keys = loadOrCreateKeys(join(directory, 'keys'));
  await mkdir(join(directory, 'logs'), { recursive: true });
  for (const [name, text] of Object.entries(LOGS)) await writeFile(join(directory, 'logs', name), text);
  const { pack, log } = keyFingerprints(keys);
  const input: PackInput = {
    release: RELEASE,
    origin: ORIGIN,
    service: 'shop',
    environment: 'prd',
    verdict: 'PASS',
    entries,
    summary: { gitHead: '04fe96bd513373', verdict: 'overruled' },
    logs: Object.entries(LOGS).map(([name, text]) => ({ name, file: join(directory, 'logs', name), sha256: digestOf(text) })),
    artifacts: [
      { name: 'plan.json', text: '{"steps":[]}\n' },
      { name: 'envelope.json', text: '{}\n' },
    ],
    subjects: [{ name: 'shop@prd', sha256: digestOf('image') }],
  };
  return { input, keys, pins: { pack: [pack], log: [log] } };
}

/** Exports the sample under `directory/pack` and answers where it is. */
export async function samplePack(directory: string): Promise<Sample & { readonly pack: string }> {
  const sample = await sampleInput(directory);
  const pack = join(directory, 'pack');
  await exportPack(sample.input, sample.keys, pack);
  return { ...sample, pack };
}

/** All files of a folder, relative, with their bytes as text. */
export async function filesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name).slice(directory.length + 1));
  const texts = files.sort().map(async (name) => [name, await readFile(join(directory, name), 'latin1')] as const);
  return Object.fromEntries(await Promise.all(texts));
}
