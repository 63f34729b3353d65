import { describe, expect, it } from 'vitest';
import { renderStatus } from '../../src/cli/output/listing.ts';
import { viewOf } from '../../src/cli/output/release-view.ts';
import { createStyle } from '../../src/cli/output/style.ts';
import { simulate } from '../release/simulate.ts';
import { aPlan } from '../support/plan.ts';

const plain = createStyle(false);
const summary = {
  release: '01new',
  kind: 'release',
  service: 'shop',
  environment: 'dev',
  version: '1.1.0',
  status: 'waiting',
  requestedBy: 'ann',
  requestedAt: 1_000_000,
  finishedAt: null,
  driver: null,
  leaseUntil: null,
  sealed: false,
  unsealedBecause: null,
} as const;

describe('a release that nobody drives', () => {
  it('says so once something is to be done for a while, with the last step and weight', () => {
    const { events } = simulate(aPlan(), []);
    const switched = events.findIndex(({ type, data }) => type === 'step.finished' && 'step' in data && data.step === 'deploy.switch');
    const stored = { summary, events: events.slice(0, switched + 1), entries: [] };
    const at = events[switched]?.time ?? 0;
    expect(viewOf(stored, at + 4_000).waiting).toBeNull();
    const view = viewOf(stored, at + 60_000);
    expect(view).toMatchObject({
      last: 'deploy.switch',
      weight: 100,
      waiting: 'a worker: none drives it (start one: slipway agent start)',
    });
    const place = {
      service: 'shop',
      environment: 'dev',
      serving: null,
      lock: null,
      inFlight: [{ summary, view }],
      unsealed: [],
      running: null,
    };
    const shown = renderStatus([place], plain);
    for (const said of ['last step deploy.switch', '100 % of the users on 1.1.0, as last recorded', 'waiting for a worker: none drives it'])
      expect(shown).toContain(said);
    expect(viewOf({ ...stored, summary: { ...summary, driver: 'd', leaseUntil: at + 60_000 } }, at + 60_000).waiting).toBeNull();
  });
});
