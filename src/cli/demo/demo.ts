import { join } from 'node:path';
import { formatDuration, messageOf, SlipwayError } from '../../kernel/index.ts';
import { fingerprint, verifyPack } from '../../evidence/index.ts';
import { loadConfig } from '../../config/index.ts';
import { foldEvents, packFolder, prepareRelease, type Outcome } from '../../release/index.ts';
import { startAgent, stopAgent } from '../../server/index.ts';
import { openApp, ownArgv, type App } from '../compose.ts';
import { follow } from '../commands/shared/follow.ts';
import type { Terminal } from '../output/terminal.ts';
import { startTrickle, type Seen, type Trickle } from './trickle.ts';
import { makeWorkspace, type DemoWorkspace } from './workspace.ts';

/** How the third release of the demo is broken. */
export const DEMO_FAULTS = ['broken-writes', 'crash-at-start', 'slow', 'migration-fails-halfway', 'worker-dead'] as const;

export interface DemoOptions {
  readonly fault: (typeof DEMO_FAULTS)[number];
  /** Leave everything running at the end. */
  readonly keep: boolean;
  /** Folder to work in; null for a new temporary one. */
  readonly folder: string | null;
  readonly terminal: Terminal;
}

interface Stage {
  readonly app: App;
  readonly workspace: DemoWorkspace;
  readonly terminal: Terminal;
  readonly print: (line: string) => void;
}

/**
 * The demo: a shop at 1.0.0, released to 1.1.0 with a migration, then to a broken version that undoes itself, then to a canary
 * that only real users can tell from a good one, under a trickle of traffic; the evidence packs are verified at the end.
 * @throws SlipwayError `release_failed` when a release does not end as it should
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { terminal } = options;
  const print = (line: string): void => (terminal.json ? terminal.data({ kind: 'line', line }) : terminal.say(line));
  const startedAt = performance.now();
  const workspace = await makeWorkspace(options.folder);
  print(`The shop's source is a git repository in ${workspace.folder}`);
  const app = await openApp({ workspace: workspace.folder, environment: process.env, log: () => undefined });
  const stage: Stage = { app, workspace, terminal, print };
  try {
    await startAgent(app.places.home, ownArgv('--dir', workspace.folder, 'agent', 'run'), workspace.folder, app.effects.clock);
    print(`An agent supervises processes and routes traffic; PostgreSQL runs on a unix socket`);
    print('');
    await release(stage, '1.0.0: the first release of the shop', 'released');
    await releasesUnderTraffic(stage, options);
    await verifyPacks(stage);
    print(`Done in ${formatDuration(performance.now() - startedAt)}.`);
    printNext(stage, options.keep);
  } finally {
    if (!options.keep) await tearDown(stage);
    await app.close();
  }
}

async function releasesUnderTraffic(stage: Stage, options: DemoOptions): Promise<void> {
  const { workspace, app, print } = stage;
  const trickle = startTrickle(workspace.url, app.effects.clock);
  try {
    await workspace.commit('versions/1.1.0', 'feat: prices and notes');
    await release(stage, '1.1.0: prices and order notes, with a migration the old version can live with', 'released');
    printSeen(print, trickle, 'Users during 1.1.0');
    const overlay = options.fault === 'broken-writes' ? 'versions/1.2.0' : `faults/${options.fault}`;
    await workspace.commit(overlay, `feat: a broken version (${options.fault})`);
    await release(stage, `1.2.0: broken on purpose (${options.fault})`, 'rolled-back');
    printSeen(print, trickle, 'Users during 1.2.0 and its rollback');
    await workspace.revert();
    await workspace.commit('versions/1.3.0', 'feat: what a customer ordered last comes first');
    await release(stage, '1.3.0: a canary; it passes every check, and fails for customers who never ordered', 'rolled-back');
    printSeen(print, trickle, 'Users during the canary and its rollback');
  } finally {
    await trickle.stop();
  }
}

async function release({ app, workspace, terminal, print }: Stage, title: string, expected: Outcome): Promise<void> {
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
  const view = await follow(app.opened.store, plan.release, { terminal, clock: app.effects.clock, signal: new AbortController().signal });
  const outcome = view?.outcome ?? null;
  if (outcome === expected) return;
  throw new SlipwayError('release_failed', `The release should have ended "${expected}" and ended "${outcome ?? 'stuck'}"`, {
    hint: `Look into ${app.places.home}/releases/${plan.release}/steps.`,
  });
}

function printSeen(print: (line: string) => void, trickle: Trickle, title: string): void {
  const seen: Seen = trickle.take();
  const failures = Object.entries(seen.failures)
    .map(([what, count]) => `${count} x ${what}`)
    .join(', ');
  print(
    `${title}: ${seen.reads} reads, ${seen.writes} writes, ${seen.failed} failed${failures === '' ? '' : ` (${failures})`}, slowest ${formatDuration(seen.slowestMs)}`,
  );
  print('');
}

/** Verifies every pack with this installation's own key fingerprints pinned, as an auditor would with published ones. */
async function verifyPacks({ app, print }: Stage): Promise<void> {
  const keys = app.keys();
  const pins = { pack: [fingerprint(keys.pack.publicPem)], log: [fingerprint(keys.log.publicPem)] };
  print('=== Evidence');
  for (const { release: id, version } of await app.opened.store.list({ limit: 10 })) {
    const folder = packFolder(app.places.home, id);
    const { verdict, checks } = await verifyPack(folder, { pins });
    const { outcome } = foldEvents((await app.opened.store.load(id)).events);
    print(
      `${version} ${outcome}: pack ${
        verdict === 'pass'
          ? 'verified'
          : `NOT verified (${checks
              .filter((check) => check.verdict !== 'pass')
              .map((check) => check.reason)
              .join('; ')})`
      }, ${folder}`,
    );
    if (verdict !== 'pass') throw new SlipwayError('evidence_invalid', `The pack of ${version} does not verify`);
  }
  print('');
}

function printNext({ workspace, print }: Stage, keep: boolean): void {
  if (!keep) return print('Run it again with --keep to look around; open report.html in a pack to read a release.');
  print(`The shop still runs at ${workspace.url}. In ${workspace.folder} try: slipway status, slipway show, slipway rollback.`);
  print('Stop everything with: slipway agent stop --all');
}

async function tearDown({ app, print }: Stage): Promise<void> {
  try {
    await stopAgent(app.places.home, app.effects.clock, { all: true });
  } catch (error) {
    print(`Not everything could be stopped: ${messageOf(error)}. Look into ${join(app.places.home, 'agent')}.`);
  }
}
