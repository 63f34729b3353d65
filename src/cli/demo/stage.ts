import { join } from 'node:path';
import { formatDuration, messageOf, SlipwayError } from '../../kernel/index.ts';
import { fingerprint, verifyPack } from '../../evidence/index.ts';
import { foldEvents, packFolder, type ReleaseSummary } from '../../release/index.ts';
import { startAgent, stopAgent } from '../../server/index.ts';
import { stopUnusedEmbedded } from '../../store/index.ts';
import { INTERRUPTED, onInterrupt } from '../commands/shared/interrupt.ts';
import { openApp, ownArgv, type App } from '../compose.ts';
import type { Terminal } from '../output/terminal.ts';
import type { Trickle } from './trickle.ts';
import { makeWorkspace, type DemoWorkspace } from './workspace.ts';

/** What every demo plays on: the shop's repository, an agent, a store. */
export interface Stage {
  readonly app: App;
  readonly workspace: DemoWorkspace;
  readonly terminal: Terminal;
  readonly print: (line: string) => void;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface StageOptions {
  /** Leave everything running at the end. */
  readonly keep: boolean;
  /** Folder to work in; null for a new temporary one. */
  readonly folder: string | null;
  readonly terminal: Terminal;
}

/** Sets the stage, plays, and takes down what runs, also when the play failed or was interrupted. Answers the exit code. */
export async function onStage(options: StageOptions, play: (stage: Stage) => Promise<void>): Promise<number> {
  const { terminal } = options;
  const print = (line: string): void => (terminal.json ? terminal.data({ kind: 'line', line }) : terminal.say(line));
  const startedAt = performance.now();
  const interrupt = onInterrupt();
  const workspace = await makeWorkspace(options.folder);
  print(`The shop's source is a git repository in ${workspace.folder}`);
  const app = await openApp({ workspace: workspace.folder, environment: process.env, log: () => undefined });
  const stage: Stage = { app, workspace, terminal, print, signal: interrupt.signal };
  let kept = false;
  try {
    await startAgent(app.places.home, ownArgv('--dir', workspace.folder, 'agent', 'run'), workspace.folder, app.effects.clock);
    print(`An agent supervises processes and routes traffic; PostgreSQL runs on a unix socket`);
    print('');
    await play(stage);
    print(`Done in ${formatDuration(performance.now() - startedAt)}.`);
    printNext(stage, options.keep);
    kept = options.keep;
    return 0;
  } catch (error) {
    // What an interrupted play says is only that it was interrupted.
    if (!interrupt.signal.aborted) throw error;
    print('Interrupted: what runs is taken down.');
    return INTERRUPTED;
  } finally {
    if (!kept) await tearDown(stage);
    await app.close();
    // Not left to the last who goes: that, and the agent's worker, may each take the other for one who stays.
    if (!kept) await stopUnusedEmbedded(app.places.home);
    interrupt.release();
  }
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

/** Says what users saw since the last time; answers how many of them failed. */
export function printSeen({ print }: Pick<Stage, 'print'>, trickle: Trickle, title: string): number {
  const seen = trickle.take();
  const failures = Object.entries(seen.failures)
    .map(([what, count]) => `${count} x ${what}`)
    .join(', ');
  print(
    `${title}: ${seen.reads} reads, ${seen.writes} writes, ${seen.failed} failed${failures === '' ? '' : ` (${failures})`}, slowest ${formatDuration(seen.slowestMs)}`,
  );
  return seen.failed;
}

/** Verifies every pack with this installation's own key fingerprints pinned, as an auditor would with published ones. */
export async function verifyPacks(stage: Stage): Promise<void> {
  stage.print('=== Evidence');
  for (const summary of await stage.app.opened.store.list({ limit: 10 })) await verifyOne(stage, summary);
  stage.print('');
}

/** Verifies the pack of one release, and says so. @throws SlipwayError `evidence_invalid` when it does not verify */
export async function verifyOne(
  { app, print }: Stage,
  { release: id, version }: Pick<ReleaseSummary, 'release' | 'version'>,
): Promise<void> {
  const keys = app.keys();
  const pins = { pack: [fingerprint(keys.pack.publicPem)], log: [fingerprint(keys.log.publicPem)] };
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
