import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createExec, createFaults, redactDeep, resolveTemplate, systemClock, systemIds, type Effects, type Log } from '../kernel/index.ts';
import { openAccess, queryRows, type DatabaseAccess } from '../database/index.ts';
import { loadOrCreateKeys, type SigningKeys } from '../evidence/index.ts';
import { loadOrCreateSigner, postNotice, type NoticeDeps, type Signer } from '../flags/index.ts';
import {
  gateLook,
  replanRelease,
  sealRelease,
  stepExecutors,
  tidyRelease,
  tidySource,
  type DriverDeps,
  type RampDeps,
  type StepDeps,
} from '../release/index.ts';
import { agentPlaces } from '../server/index.ts';
import { openEmbedded, openStore, thisDriver, type Embedded, type OpenStore } from '../store/index.ts';
import { createAgentTarget } from '../targets/index.ts';
import { createAgentRouter } from '../traffic/index.ts';
import { readBackfills, readContracts } from './declared.ts';
import { leaseTerms } from './lease.ts';
import { noticeAddresses } from './notify.ts';
import { findPlaces, makeHome, type Places } from './places.ts';
import { createSecrets, type Secrets } from './secrets.ts';

/** Everything real, made once per process. The only place where adapters meet the rooms that use them. */
export interface App {
  readonly places: Places;
  readonly effects: Effects;
  readonly secrets: Secrets;
  readonly opened: OpenStore;
  readonly deps: StepDeps;
  readonly driver: DriverDeps;
  readonly ramps: RampDeps;
  readonly notices: NoticeDeps;
  keys(): SigningKeys;
  /** Signs what clients of flags are sent. */
  flagSigner(): Signer;
  close(): Promise<void>;
}

export interface AppOptions {
  readonly workspace: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** What the process knows to be secret; what is learnt here joins it, so that the terminal hides it too. */
  readonly secrets?: Secrets;
  /** See `StoreOptions`. */
  readonly hurries?: boolean;
  /** The state directory is made by what writes there, not before: flags and tokens of a store on a server need none. */
  readonly lazyHome?: boolean;
}

/** The program itself, for starting an agent or a worker. */
export function ownArgv(...args: readonly string[]): readonly string[] {
  const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? './main.ts' : './main.js', import.meta.url));
  return [process.execPath, main, ...args];
}

/** Opens the store and puts everything together. Close it when done. */
export async function openApp(options: AppOptions): Promise<App> {
  const { workspace, environment, log: write, secrets = createSecrets(environment), hurries = false } = options;
  const places = findPlaces(workspace, environment);
  // The caller's own redactor does not know what is learnt here: variables files, and what references resolve to.
  const log: Log = (level, message, fields) => write(level, secrets.redact(message), redactDeep(fields, secrets.redact));
  const lease = leaseTerms(environment);
  const exec = createExec(systemClock, secrets.redact, { deadManMs: lease.deadManMs });
  const effects: Effects = {
    clock: systemClock,
    ids: systemIds,
    faults: createFaults(environment),
    // The guard writes what a command prints before we see it, and a command finds more than it is given: a variables file, say.
    exec: (request) => exec({ ...request, secrets: [...request.secrets, ...secrets.known()] }),
    commandsAhead: exec.ahead,
    log,
    redact: secrets.redact,
  };
  const { home, node } = places;
  const url = environment['SLIPWAY_DATABASE_URL'];
  if (options.lazyHome !== true || url === undefined) makeHome(home);
  const opened = await openStore({ home, url, node, clock: systemClock, lease, log, faults: effects.faults, hurries });
  const keys = (): SigningKeys => loadOrCreateKeys(keyFolder(home));
  const flagSigner = (): Signer => loadOrCreateSigner(keyFolder(home));
  const peers = openPeers(home);
  const server = embeddedServer(opened, home);
  let lent: Embedded | null = null;
  const ownServer = async (): Promise<DatabaseAccess> => {
    lent = await server();
    return { ...openAccess(lent.url('postgres')), own: true };
  };
  const deps = stepDeps({ places, secrets, opened, peers, keys, effects, server, ownServer });
  const driver: DriverDeps = {
    store: opened.store,
    effects,
    driver: thisDriver(systemIds.token()),
    lease,
    home,
    executors: stepExecutors(deps),
    replan: (plan) => replanRelease(deps, plan),
    seal: async (stored) => {
      const checkpoint = await sealRelease(home, keys(), stored);
      // What of it fails is tried again, and told, by `tidy`.
      await tidySource(deps, stored).catch(() => undefined);
      return checkpoint;
    },
    tidy: (stored) => tidyRelease(deps, opened.store, stored),
  };
  const close = async (): Promise<void> => {
    await Promise.all([peers.target.close(), peers.router.close()]);
    // Started beside a store on another server, for this alone: nobody else would stop it.
    if (lent?.started === true && opened.embedded === null) await lent.stopIfUnused();
    await opened.close();
  };
  const ramps: RampDeps = { ramps: opened.ramps, flags: opened.flags, effects, renewMs: lease.renewMs, look: gateLook(deps) };
  const notices = noticeDeps(opened, effects, (name) => noticeAddresses(places.workspace, name, secrets));
  return { places, effects, secrets, opened, deps, driver, ramps, notices, keys, flagSigner, close };
}

/** Keys may be given in a folder that cannot be written; only where there are none, something must be made. */
function keyFolder(home: string): string {
  const folder = join(home, 'keys');
  if (!existsSync(folder)) makeHome(home);
  return folder;
}

function noticeDeps({ flags, notices }: OpenStore, { clock, faults, log }: Effects, addressOf: NoticeDeps['addressOf']): NoticeDeps {
  return { store: flags, notices, addressOf, send: postNotice, clock, faults, log };
}

/** The agent of the state directory, whose address is known whether or not it runs. */
export function openPeers(home: string) {
  const { socket } = agentPlaces(home);
  return { agentSocket: socket, target: createAgentTarget({ socketPath: socket }), router: createAgentRouter({ socketPath: socket }) };
}

interface Parts {
  readonly places: Places;
  readonly secrets: Secrets;
  readonly opened: OpenStore;
  readonly peers: ReturnType<typeof openPeers>;
  readonly keys: () => SigningKeys;
  readonly effects: Effects;
  readonly server: () => Promise<Embedded>;
  readonly ownServer: StepDeps['ownServer'];
}

function stepDeps({ places, secrets, opened, peers, keys, effects, server, ownServer }: Parts): StepDeps {
  const databaseUrlTemplate: StepDeps['databaseUrlTemplate'] = async ({ database }) => {
    if (database === null) throw new Error('There is no database');
    if (typeof database.url === 'string') return database.url;
    return (await server()).url(database.url.embedded);
  };
  return {
    home: places.home,
    target: peers.target,
    router: peers.router,
    agentSocket: peers.agentSocket,
    store: opened.store,
    flags: opened.flags,
    telemetry: opened.telemetry,
    environmentFor: secrets.environmentFor,
    databaseUrlTemplate,
    databaseFor: async (workspace, definition) => {
      if (definition.database === null) return null;
      const environment = await secrets.environmentFor(workspace, definition.envFile);
      const resolved = resolveTemplate(await databaseUrlTemplate(definition), environment);
      secrets.add(resolved.secrets);
      return openAccess(resolved.value);
    },
    readersFor: async (workspace, { database, envFile }) => {
      const readers = database?.readers ?? [];
      const environment = readers.length === 0 ? {} : await secrets.environmentFor(workspace, envFile);
      return readers.map((reader) => {
        const resolved = resolveTemplate(reader, environment);
        secrets.add(resolved.secrets);
        return openAccess(resolved.value);
      });
    },
    effects,
    databaseExists: async ({ database }) => {
      if (database === null || typeof database.url === 'string') return true;
      const found = await queryRows(
        openAccess((await server()).url('postgres')),
        `select 1 from pg_database where datname = '${database.url.embedded}'`,
        5_000,
      );
      return found.length > 0;
    },
    ownServer,
    readBackfills,
    readContracts,
    ensureEmbedded: async (name) => (await server()).ensureDatabase(name),
    checkKeys: async () => void keys(),
  };
}

/** Slipway's own PostgreSQL for `database.embedded`: the store's, or one beside a store on a shared server, started when first asked for. */
function embeddedServer({ embedded }: OpenStore, home: string): () => Promise<Embedded> {
  let opening: Promise<Embedded> | null = embedded === null ? null : Promise.resolve(embedded);
  return () =>
    (opening ??= openEmbedded({ home }).catch((error: unknown) => {
      // A start that failed once must not fail for the life of a worker.
      opening = null;
      throw error;
    }));
}

/** A random number in [0, 1), for the router's dealing. */
export function random(): number {
  return randomBytes(4).readUInt32BE() / 2 ** 32;
}
