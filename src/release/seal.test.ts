import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { simulate } from '../../test/release/simulate.ts';
import { aDefinition } from '../../test/support/definition.ts';
import { aPlan, aPlanInput } from '../../test/support/plan.ts';
import { DEFAULT_POLICY } from '../analysis/index.ts';
import { keyFingerprints, loadOrCreateKeys, nextEntry, verifyPack, type LedgerEntry } from '../evidence/index.ts';
import { toIso, type JsonValue } from '../kernel/index.ts';
import type { ReleaseEvent } from './core/events.ts';
import type { StoredRelease } from './ports.ts';
import { packFolder, sealRelease } from './seal.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-seal-'));
});
afterAll(() => rm(home, { recursive: true }));

/** A simulated release that went well, as the store would hand it over. */
function finishedRelease(plan = aPlan(), change: (event: ReleaseEvent) => ReleaseEvent = (event) => event): StoredRelease {
  const events = simulate(plan, []).events.map(change);
  const entries: LedgerEntry[] = [];
  for (const { time, type, actor, data } of events)
    entries.push(
      nextEntry(entries.at(-1) ?? null, { time: toIso(time), release: plan.release, type, actor, data: data as unknown as JsonValue }),
    );
  const { release, kind, service, environment, version, requestedBy } = plan;
  const times = { requestedAt: 0, finishedAt: 1 };
  const rest = { status: 'released', driver: null, leaseUntil: null, sealed: false, unsealedBecause: null } as const;
  return { summary: { release, kind, service, environment, version, requestedBy, ...times, ...rest }, events, entries };
}

it('a worker killed while it wrote leaves nothing that hinders the next, or stays', async () => {
  const stored = finishedRelease();
  const { release } = stored.summary;
  const keys = loadOrCreateKeys(join(home, 'keys'));
  const [mine, theirs] = [`.${release}.partial-0badc0ffee00`, '.01other.partial-0badc0ffee00'];
  for (const draft of [mine, theirs]) {
    await mkdir(join(home, 'evidence', draft, 'log'), { recursive: true });
    await writeFile(join(home, 'evidence', draft, 'log', 'checkpoint'), 'half of one');
  }
  const checkpoint = await sealRelease(home, keys, stored);
  expect((await readdir(join(home, 'evidence'))).toSorted()).toEqual([theirs, release]);
  const { pack, log } = keyFingerprints(keys);
  expect(await verifyPack(packFolder(home, release), { pins: { pack: [pack], log: [log] } })).toMatchObject({ verdict: 'pass' });
  // And once more, as after a kill between the pack and its note in the store.
  expect(await sealRelease(home, keys, stored)).toBe(checkpoint);
});

it('shows what a canary was judged by: the counts, and a picture of each metric, signed with the rest', async () => {
  const canary = { checkpoints: [{ weight: 5, forMs: 0, pause: false }], everyMs: 500, policy: DEFAULT_POLICY };
  const plan = aPlan({ release: '01canary', definition: aDefinition({ strategy: { name: 'canary', because: null, canary } }) });
  const pair = { canary: { requests: 90, bad: 3 }, stable: { requests: 900, bad: 9 } };
  const metrics = { errors: pair, '../<odd>': pair };
  const judgement = { verdict: 'pass', thresholds: {}, metrics: Object.keys(metrics).map((name) => ({ name, verdict: 'pass' })) };
  const stored = finishedRelease(plan, (event) =>
    event.type === 'step.finished' && event.data.step === 'deploy.judge-5'
      ? {
          ...event,
          data: {
            ...event.data,
            facts: {
              judgement,
              look: { step: event.data.step, startedAt: event.time - 2_000, scatter: {}, ticks: [{ at: event.time, metrics }] },
            },
          },
        }
      : event,
  );
  const keys = loadOrCreateKeys(join(home, 'keys'));
  await sealRelease(home, keys, stored);
  const folder = packFolder(home, plan.release);
  const names = (await readdir(join(folder, 'artifacts'))).filter((name) => name.startsWith('decision'));
  expect(names.toSorted()).toEqual([
    'decision-deploy.judge-5.errors.svg',
    'decision-deploy.judge-5.json',
    'decision-deploy.judge-5.metric.2.svg',
  ]);
  const document = JSON.parse(await readFile(join(folder, 'artifacts/decision-deploy.judge-5.json'), 'utf8')) as { series: unknown[] };
  expect(document.series[0]).toMatchObject({ metric: 'errors', spans: [{}, {}, {}, pair] });
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<figure><svg');
  const pins = { pack: [keyFingerprints(keys).pack], log: [] };
  expect(await verifyPack(folder, { pins })).toMatchObject({ verdict: 'pass' });
  await writeFile(join(folder, 'artifacts/decision-deploy.judge-5.errors.svg'), '<svg/>');
  expect(await verifyPack(folder, { pins })).toMatchObject({ verdict: 'fail' });
});

it('says FAIL of a rollback that took longer than was declared, whoever recomputes it', async () => {
  const late = aPlan({ release: '01late', kind: 'rollback', target: { ...aPlanInput().previous!, version: '0.9.0' }, version: '0.9.0' });
  const stored = finishedRelease({ ...late, rollback: { ...late.rollback, targetMs: 1 } });
  const keys = loadOrCreateKeys(join(home, 'keys'));
  await sealRelease(home, keys, stored);
  const folder = packFolder(home, late.release);
  expect(JSON.parse(await readFile(join(folder, 'summary.json'), 'utf8'))).toMatchObject({ verdict: 'FAIL', outcome: 'released' });
  expect(await readFile(join(folder, 'artifacts/rollback-notice.md'), 'utf8')).toContain('target 1ms: fail');
  expect(await verifyPack(folder, { pins: { pack: [keyFingerprints(keys).pack], log: [] } })).toMatchObject({ verdict: 'pass' });
});
