import { SlipwayError } from '../../kernel/index.ts';
import { loadConfig } from '../../config/index.ts';
import { prepareRelease, type Outcome } from '../../release/index.ts';
import { follow } from '../commands/shared/follow.ts';
import { onStage, printSeen, verifyPacks, type Stage, type StageOptions } from './stage.ts';
import { startVisitors } from './visitors.ts';

/** How the third release of the demo is broken. */
export const DEMO_FAULTS = ['broken-writes', 'crash-at-start', 'slow', 'migration-fails-halfway', 'worker-dead'] as const;

export interface DemoOptions extends StageOptions {
  readonly fault: (typeof DEMO_FAULTS)[number];
}

/**
 * The demo: a shop at 1.0.0, released to 1.1.0 with a migration, then to a broken version that undoes itself, then to a canary
 * that only real users can tell from a good one, under a trickle of traffic; the evidence packs are verified at the end.
 * @throws SlipwayError `release_failed` when a release does not end as it should
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  return onStage(options, async (stage) => {
    await release(stage, '1.0.0: the first release of the shop', 'released');
    await releasesUnderTraffic(stage, options);
    await verifyPacks(stage);
  });
}

async function releasesUnderTraffic(stage: Stage, options: DemoOptions): Promise<void> {
  const { workspace, app } = stage;
  const visitors = startVisitors(workspace.url, app.effects.clock);
  const seen = (title: string): void => {
    printSeen(stage, visitors, title);
    stage.print('');
  };
  try {
    await workspace.commit('versions/1.1.0', 'feat: prices and notes');
    await release(stage, '1.1.0: prices and order notes, with a migration the old version can live with', 'released');
    seen('Users during 1.1.0');
    const overlay = options.fault === 'broken-writes' ? 'versions/1.2.0' : `faults/${options.fault}`;
    await workspace.commit(overlay, `feat: a broken version (${options.fault})`);
    await release(stage, `1.2.0: broken on purpose (${options.fault})`, 'rolled-back');
    seen('Users during 1.2.0 and its rollback');
    await workspace.revert();
    await workspace.commit('versions/1.3.0', 'feat: what a customer ordered last comes first');
    await release(stage, '1.3.0: a canary; it passes every check, and fails for customers who never ordered', 'rolled-back');
    seen('Users during the canary and its rollback');
  } finally {
    await visitors.stop();
  }
}

async function release({ app, workspace, terminal, print, signal }: Stage, title: string, expected: Outcome): Promise<void> {
  print(`=== Release ${title}`);
  const { definition, sha256 } = await loadConfig(workspace.folder);
  const plan = await prepareRelease(app.deps, {
    release: app.effects.ids.release(app.effects.clock.now()),
    workspace: workspace.folder,
    definition,
    configSha256: sha256,
    version: null,
    requestedBy: 'demo',
    node: app.places.node,
    skips: {},
  });
  await app.opened.store.submit({ plan, actor: 'demo', wait: false });
  const view = await follow(app.opened.store, plan.release, { terminal, clock: app.effects.clock, signal });
  signal.throwIfAborted();
  const outcome = view?.outcome ?? null;
  if (outcome === expected) return;
  throw new SlipwayError('release_failed', `The release should have ended "${expected}" and ended "${outcome ?? 'stuck'}"`, {
    hint: `Look into ${app.places.home}/releases/${plan.release}/steps.`,
  });
}
