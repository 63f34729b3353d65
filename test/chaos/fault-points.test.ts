import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examine, makeRig, onceFolder, type Findings, type Rig } from './harness.ts';

/**
 * The runner is killed by `kill -9` at every named fault point, one after the other, while the two demo releases run.
 * Each point strikes once per release; the worker is started again by its agent and must go on as if nothing happened.
 */
describe('a runner killed at every fault point', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await makeRig();
    await rig.startAgent();
    await rig.firstRelease();
  }, 180_000);
  afterAll(() => rig.close(), 180_000);

  it('finishes the good release', async () => {
    await rig.workspace.commit('versions/1.1.0', 'feat: prices and notes');
    const { found, struck } = await releaseUnderFaults(rig);
    expect(found).toMatchObject<Partial<Findings>>({
      outcome: 'released',
      cause: null,
      running: ['1.0.0 api ready', '1.1.0 api ready', '1.1.0 worker ready'],
      servedBy: 'open 1.1.0',
      migrations: [
        '20260101000000_initial',
        '20260201000000_product_prices',
        '20260201000100_order_notes',
        '20260201000200_fill_in_prices',
      ],
      columns: ['created_at', 'customer', 'id', 'note', 'product_id', 'quantity', 'shipped_by', 'status'],
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
    // A fault point that never strikes proves nothing.
    expect(struck).toEqual(
      expect.arrayContaining([
        'backup.acted',
        'build.stored',
        'migrate.intended',
        'migrate.acted',
        'migrate.recorded',
        'route.acted',
        'apply-group.acted',
        'smoke.acted',
        'observe.recorded',
        'driver.decided.seal',
      ]),
    );
  }, 400_000);

  it('undoes the broken release, database included', async () => {
    await rig.workspace.commit('versions/1.2.0', 'feat: customers');
    const { found, struck } = await releaseUnderFaults(rig);
    expect(found).toMatchObject<Partial<Findings>>({
      outcome: 'rolled-back',
      cause: 'verify.smoke failed: POST /orders: POST /orders answered 500, expected 201: {"error":"internal error"}',
      running: ['1.1.0 api ready', '1.1.0 worker ready'],
      servedBy: 'open 1.1.0',
      migrations: [
        '20260101000000_initial',
        '20260201000000_product_prices',
        '20260201000100_order_notes',
        '20260201000200_fill_in_prices',
      ],
      columns: ['created_at', 'customer', 'id', 'note', 'product_id', 'quantity', 'shipped_by', 'status'],
      keysTwice: [],
      passedTwice: [],
      pack: 'verified',
      strays: [],
    });
    expect(struck).toEqual(expect.arrayContaining(['restore.intended', 'restore.acted', 'restore.recorded', 'remove-group.acted']));
  }, 400_000);
});

async function releaseUnderFaults(rig: Rig): Promise<{ readonly found: Findings; readonly struck: readonly string[] }> {
  const folder = await onceFolder(rig);
  await rig.restartAgent({ SLIPWAY_FAULT_AT: '*', SLIPWAY_FAULT_ONCE: folder });
  const release = await rig.submit();
  const state = await rig.ended(release);
  expect(state.stuck).toBeNull();
  await rig.settled();
  return { found: await examine(rig, release), struck: await readdir(folder) };
}
