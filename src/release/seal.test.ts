import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { simulate } from '../../test/release/simulate.ts';
import { aPlan } from '../../test/support/plan.ts';
import { keyFingerprints, loadOrCreateKeys, nextEntry, verifyPack, type LedgerEntry } from '../evidence/index.ts';
import { toIso, type JsonValue } from '../kernel/index.ts';
import type { StoredRelease } from './ports.ts';
import { packFolder, sealRelease } from './seal.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'slipway-seal-'));
});
afterAll(() => rm(home, { recursive: true }));

/** A simulated release that went well, as the store would hand it over. */
function finishedRelease(): StoredRelease {
  const plan = aPlan();
  const { events } = simulate(plan, []);
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
