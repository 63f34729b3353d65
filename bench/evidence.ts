import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  exportPack,
  keyFingerprints,
  loadOrCreateKeys,
  nextEntry,
  verifyPack,
  type LedgerEntry,
  type PackInput,
} from '../src/evidence/index.ts';
import type { JsonValue } from '../src/kernel/index.ts';
import type { BenchResult, BenchRow } from './result.ts';
import { median, spread, timed } from './stats.ts';

/** Events and rounds: a usual release, and a long one that looked every few seconds for hours. */
const SIZES = [
  { events: 100, rounds: 7 },
  { events: 5_000, rounds: 3 },
] as const;
const RELEASE = '01jd0000000000000000000000';
const LOG_BYTES = 1_024;

/** Writing a signed pack (every file forced to disk) and verifying it; every second event is a finished step with a raw log of 1 KB. */
export async function benchEvidence(): Promise<BenchResult> {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  try {
    const rows: BenchRow[] = [];
    for (const { events, rounds } of SIZES) rows.push(...(await measure(join(folder, String(events)), events, rounds)));
    return {
      name: 'evidence',
      unit: 'ms',
      rows,
      notes: ['median of 7 rounds for 100 events, of 3 for 5,000; verification reads the pack as a stranger would, with pinned keys'],
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, events: number, rounds: number): Promise<readonly BenchRow[]> {
  const input = await sample(folder, events);
  const keys = loadOrCreateKeys(join(folder, 'keys'));
  const { pack, log } = keyFingerprints(keys);
  const pins = { pack: [pack], log: [log] };
  const exported: number[] = [];
  const verified: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const target = join(folder, `pack-${round}`);
    exported.push(await timed(() => exportPack(input, keys, target)));
    verified.push(
      await timed(async () => {
        const { verdict, checks } = await verifyPack(target, { pins });
        if (verdict !== 'pass')
          throw new Error(`The pack does not verify: ${JSON.stringify(checks.filter((check) => check.verdict !== 'pass'))}`);
      }),
    );
    bytes = await sizeOf(target);
    await rm(target, { recursive: true });
  }
  const size = { 'pack KB': bytes / 1_024, files: input.logs.length };
  return [
    {
      subject: `export, ${events} events`,
      figures: { ...spread(exported), 'us/event': (median(exported) * 1_000) / events, 'pack KB': size['pack KB'], 'raw logs': size.files },
    },
    { subject: `verify, ${events} events`, figures: { ...spread(verified), 'us/event': (median(verified) * 1_000) / events } },
  ];
}

async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function sample(folder: string, events: number): Promise<PackInput> {
  const logs: { name: string; file: string; sha256: string }[] = [];
  const text = 'a line of a raw log\n'.repeat(Math.ceil(LOG_BYTES / 20)).slice(0, LOG_BYTES);
  const digest = createHash('sha256').update(text).digest('hex');
  await mkdir(join(folder, 'logs'), { recursive: true });
  const entries: LedgerEntry[] = [];
  const add = (type: string, data: JsonValue): void => {
    const time = new Date(Date.UTC(2026, 0, 1) + entries.length * 1_000).toISOString();
    entries.push(nextEntry(entries.at(-1) ?? null, { time, release: RELEASE, type, actor: 'bench', data }));
  };
  add('release.requested', {
    plan: { service: 'shop', environment: 'prd', version: '1.1.0', previous: '1.0.0', rollback: { story: 'switch back' } },
  });
  for (let attempt = 1; entries.length < events - 1; attempt++) {
    const name = `${String(attempt).padStart(5, '0')}-observe.window.log`;
    await writeFile(join(folder, 'logs', name), text);
    logs.push({ name, file: join(folder, 'logs', name), sha256: digest });
    const about = { step: 'observe.window', stage: 'observe', attempt };
    add('step.intended', { ...about, key: `${RELEASE}/observe.window/${attempt}` });
    const [startedAt, finishedAt] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:01.000Z'];
    add('step.finished', {
      ...about,
      verdict: 'pass',
      reason: '120 requests so far, 0 errors, 0 restarts',
      retry: false,
      startedAt,
      finishedAt,
      checks: [],
      facts: {},
      log: { name, sha256: digest, bytes: LOG_BYTES },
    });
  }
  add('release.finished', { outcome: 'released', reason: 'every required step passed' });
  return {
    release: RELEASE,
    origin: `slipway/shop/prd/${RELEASE}`,
    service: 'shop',
    environment: 'prd',
    verdict: 'PASS',
    entries,
    summary: { gitHead: null },
    logs,
    artifacts: [{ name: 'plan.json', text: '{}\n' }],
    subjects: [],
  };
}
