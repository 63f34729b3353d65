import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApp, type App } from '../../src/cli/compose.ts';
import { makeWorkspace, type DemoWorkspace } from '../../src/cli/demo/workspace.ts';
import { loadConfig } from '../../src/config/index.ts';
import { queryRows } from '../../src/database/index.ts';
import { fingerprint, verifyPack } from '../../src/evidence/index.ts';
import { foldEvents, packFolder, prepareRelease, type ReleaseState } from '../../src/release/index.ts';
import { agentStatus, startAgent, stopAgent } from '../../src/server/index.ts';
import { runningPostmaster } from '../../src/store/embedded/postmaster.ts';
import { endStore } from '../support/place-store.ts';
import { neverSync } from '../support/postgres.ts';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** The shop under a real agent, worker, router and PostgreSQL, in a folder of its own. */
export interface Rig {
  readonly app: App;
  readonly workspace: DemoWorkspace;
  /** Releases 1.0.0. */
  firstRelease(): Promise<void>;
  /** Submits HEAD as a release and returns its id. */
  submit(): Promise<string>;
  /** Resolves when the release's pack is sealed, or it is stuck. */
  ended(release: string): Promise<ReleaseState>;
  startAgent(faults?: Readonly<Record<string, string>>): Promise<void>;
  /** Stops the agent and starts one with other fault variables; the shop goes on meanwhile. */
  restartAgent(faults?: Readonly<Record<string, string>>): Promise<void>;
  agentPid(): Promise<number | null>;
  workerPid(): Promise<number | null>;
  postmasterPid(): number | null;
  /** Resolves when every instance of the shop is ready. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const DEADLINE_MS = 300_000;

/** Makes a rig with 1.0.0 committed; observation windows are cut to what a test needs. */
export async function makeRig(window = '400ms'): Promise<Rig> {
  const workspace = await makeWorkspace(null);
  const config = join(workspace.folder, 'slipway.yaml');
  const quick = (await readFile(config, 'utf8'))
    .replace('window: 5s', `window: ${window}`)
    .replace('every: 1s', 'every: 200ms')
    .replace('instances: 2', 'instances: 1')
    .replace('alive: 1s', 'alive: 200ms')
    // What runs is looked at in the end, however long a busy machine takes to get there.
    .replace('warm: 10s', 'warm: 1h')
    .replace(/^test: .*$/m, '');
  await writeFile(config, quick);
  await workspace.commit('base', 'chore: quick');
  const app = await openApp({ workspace: workspace.folder, environment: process.env, log: () => undefined });
  if (app.opened.embedded !== null) await neverSync(app.opened.embedded.url('postgres'));
  const { home } = app.places;
  const start = async (faults: Readonly<Record<string, string>> = {}): Promise<void> => {
    // Through env(1), so that only the agent and its worker have the fault variables, and not this test.
    const variables = Object.entries({ ...faults, SLIPWAY_LOG: 'debug' }).map(([name, value]) => `${name}=${value}`);
    await startAgent(
      home,
      ['/usr/bin/env', ...variables, process.execPath, MAIN, '--dir', workspace.folder, 'agent', 'run'],
      workspace.folder,
      app.effects.clock,
    );
  };
  return {
    app,
    workspace,
    firstRelease: async () => {
      const { outcome } = await ended(app, await submit(app, workspace));
      if (outcome !== 'released') throw new Error(`The first release ended ${outcome}`);
    },
    submit: () => submit(app, workspace),
    ended: (release) => ended(app, release),
    startAgent: start,
    restartAgent: async (faults) => {
      await stopAgent(home, app.effects.clock);
      await start(faults);
    },
    agentPid: async () => (await agentStatus(home))?.pid ?? null,
    workerPid: async () => (await agentStatus(home))?.worker?.pid ?? null,
    // Not what the file says: once the server is killed, its number may be somebody else's.
    postmasterPid: () => runningPostmaster(join(home, 'store', 'pg')),
    settled: () => settled(app, workspace),
    close: () => close(app, workspace),
  };
}

async function submit(app: App, workspace: DemoWorkspace): Promise<string> {
  const { definition, sha256 } = await loadConfig(workspace.folder);
  const release = app.effects.ids.release(app.effects.clock.now());
  const plan = await prepareRelease(app.deps, {
    release,
    workspace: workspace.folder,
    definition,
    configSha256: sha256,
    version: null,
    requestedBy: 'chaos',
    node: app.places.node,
    skips: {},
  });
  await app.opened.store.submit({ plan, actor: 'chaos', wait: true });
  return release;
}

async function ended(app: App, release: string): Promise<ReleaseState> {
  const { clock } = app.effects;
  const until = clock.monotonic() + DEADLINE_MS;
  while (clock.monotonic() < until) {
    const { events, summary } = await app.opened.store.load(release);
    const state = foldEvents(events);
    if (summary.sealed || state.stuck !== null) return state;
    await app.opened.store.changed(release, events.length, AbortSignal.timeout(200));
  }
  const { events } = await app.opened.store.load(release);
  throw new Error(
    `The release did not end; its last events: ${JSON.stringify(events.slice(-4).map(({ type, data }) => ({ type, data })))}`,
  );
}

async function settled(app: App, workspace: DemoWorkspace): Promise<void> {
  const { definition } = await loadConfig(workspace.folder);
  const { clock } = app.effects;
  for (const until = clock.monotonic() + DEADLINE_MS; clock.monotonic() < until; await clock.sleep(100)) {
    const groups = await app.deps.target.list(definition.service, definition.environment).catch(() => []);
    if (groups.length > 0 && groups.every((group) => group.instances.every((one) => one.phase === 'ready'))) return;
  }
}

async function close(app: App, workspace: DemoWorkspace): Promise<void> {
  await stopAgent(app.places.home, app.effects.clock, { all: true });
  const { embedded } = app.opened;
  await app.close();
  await endStore(embedded);
  await rm(workspace.folder, { recursive: true, force: true });
}

/** What must be true of a release, however often its runner was killed. */
export interface Findings {
  readonly outcome: string | null;
  /** Why it was rolled back; null when it was not. */
  readonly cause: string | null;
  /** What did not pass, with its reason, so that a run nobody can repeat explains itself. */
  readonly failed: readonly string[];
  /** `version: instances` of what runs, by slot. */
  readonly running: readonly string[];
  readonly servedBy: string | null;
  readonly migrations: readonly string[];
  readonly columns: readonly string[];
  readonly keysTwice: readonly string[];
  readonly passedTwice: readonly string[];
  readonly pack: string;
  /** Processes of the shop that no group knows. */
  readonly strays: readonly number[];
}

/** Reads ledger, database, processes, router and pack after a release. */
export async function examine(rig: Rig, release: string): Promise<Findings> {
  const { app, workspace } = rig;
  const { definition } = await loadConfig(workspace.folder);
  const { events } = await app.opened.store.load(release);
  const groups = await app.deps.target.list(definition.service, definition.environment);
  const route = await app.deps.router.inspect(`${definition.service}/${definition.environment}`);
  const database = await app.deps.databaseFor(workspace.folder, definition);
  if (database === null) throw new Error('The shop has a database');
  const names = async (query: string): Promise<readonly string[]> =>
    (await queryRows(database, query, 5_000)).map((row) => String(Object.values(row)[0]));
  const keys = app.keys();
  const { verdict, checks } = await verifyPack(packFolder(app.places.home, release), {
    pins: { pack: [fingerprint(keys.pack.publicPem)], log: [] },
  });
  const once = events.flatMap((event) =>
    event.type === 'step.finished' && event.data.verdict === 'pass' && event.data.step !== 'observe.window' ? [event.data.step] : [],
  );
  const pids = new Set(groups.flatMap((group) => group.instances.map((one) => one.pid)));
  return {
    outcome: foldEvents(events).outcome,
    cause: events.flatMap((event) => (event.type === 'rollback.started' ? [event.data.cause] : []))[0] ?? null,
    failed: events.flatMap(({ type, data }) =>
      type === 'step.finished' && data.verdict !== 'pass' ? [`${data.step} ${data.verdict}: ${JSON.stringify(data)}`] : [],
    ),
    running: groups.flatMap((group) => group.instances.map((one) => `${group.spec.version} ${one.process} ${one.phase}`)).toSorted(),
    servedBy: route === null ? null : `${route.spec.mode} ${route.spec.backends[0]?.version}`,
    migrations: await names('select name from slipway_history.migration order by name'),
    columns: await names("select column_name from information_schema.columns where table_name = 'orders' order by column_name"),
    keysTwice: twice(events.flatMap((event) => (event.type === 'step.intended' ? [event.data.key] : []))),
    passedTwice: twice(once),
    pack: verdict === 'pass' ? 'verified' : JSON.stringify(checks.filter((check) => check.verdict !== 'pass')),
    strays: shopProcesses(app.places.home).filter((pid) => !pids.has(pid)),
  };
}

function twice(items: readonly string[]): readonly string[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
}

/** Processes whose folder is one of this rig's artifacts. */
function shopProcesses(home: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(join(home, 'artifacts'));
      } catch {
        return false;
      }
    });
}

/** A folder that remembers which fault points have struck. */
export async function onceFolder(rig: Rig): Promise<string> {
  const folder = join(rig.workspace.folder, '.slipway', `faults-${rig.app.effects.ids.token()}`);
  await mkdir(folder, { recursive: true });
  return folder;
}
