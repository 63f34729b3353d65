import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError, systemClock } from '../../kernel/index.ts';
import { processExists } from '../process.ts';
import { SUPERUSER } from './initialise.ts';
import { refuseForeignStore } from './owner.ts';
import { ghostPostmaster, recordedSockets, runningPostmaster, signalPostmaster, type StopMode } from './postmaster.ts';
import { countClients, createDatabase, probe } from './probe.ts';
import { removeIfEmpty, SOCKET_PORT, socketDirectory } from './socket.ts';
import { bringUp } from './bring-up.ts';

/** Slipway's own PostgreSQL, one per state directory. */
export interface Embedded {
  /** Connection URL of one of its databases, for `pg`, libpq and anything that takes `?host=` for a socket. Holds no secret. */
  url(database: string): string;
  /** True when this call started it, false when it was running already. */
  readonly started: boolean;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  /** Starts it again when it went away (killed, out of memory). Cheap when it runs. */
  ensureRunning(): Promise<void>;
  /** Creates the database unless it exists. */
  ensureDatabase(name: string): Promise<void>;
  /** Stops it and waits until it is gone. */
  stop(mode: StopMode): Promise<void>;
  /** Asks it to stop when nobody is connected, without waiting; answers whether it did. */
  stopIfUnused(): Promise<boolean>;
}

const STOP_DEADLINE_MS = 60_000;
/** A client whose process has just ended is counted until the server has noticed. Looks rather than a time: on a busy machine that takes longer. */
const LOOKS = 50;
const LOOK_MS = 40;

/**
 * Starts PostgreSQL for a state directory, or attaches to the one that runs. Any number of processes may do this at once.
 * Nothing but a unix socket in a folder closed to other users; the server outlives this process.
 * @param options.home the state directory (`.slipway`); data goes to `<home>/store/pg`
 * @throws SlipwayError `platform_unsupported`, `state_corrupt`, `disk_full`, `store_version`, `store_unreachable`, `store_owner`
 */
export async function openEmbedded(options: { readonly home: string }): Promise<Embedded> {
  refuseForeignStore(options.home);
  // Enterable: where root must run the server as another user, that user passes through. The data itself is 0700.
  mkdirSync(join(options.home, 'store'), { recursive: true, mode: 0o711 });
  const home = realpathSync(options.home);
  const dataDirectory = join(home, 'store', 'pg');
  const place = { home, dataDirectory, socketDirectory: recordedSockets(dataDirectory) ?? socketDirectory(home) };
  refuseOddData(place.dataDirectory);
  const started = await bringUp(place);
  return {
    url: (database) => embeddedUrl(place.socketDirectory, database),
    started,
    dataDirectory: place.dataDirectory,
    socketDirectory: place.socketDirectory,
    ensureRunning: async () => void (await bringUp(place)),
    ensureDatabase: (name) => createDatabase(place.socketDirectory, name),
    stop: (mode) => stopServer(place.dataDirectory, place.socketDirectory, mode),
    stopIfUnused: async () => {
      const pid = runningPostmaster(place.dataDirectory);
      if (pid === null || (await countClients(place.socketDirectory)) > 0) return false;
      // Should somebody connect in this moment, a smart shutdown lets them finish; new ones wait and start it again.
      signalPostmaster(pid, 'smart');
      return true;
    },
  };
}

/**
 * Stops the PostgreSQL of a state directory unless somebody uses it, and waits until it is gone; starts nothing.
 * @returns false when it has clients and goes on
 */
export async function stopUnusedEmbedded(home: string): Promise<boolean> {
  refuseForeignStore(home);
  if (!existsSync(join(home, 'store', 'pg'))) return true;
  const real = realpathSync(home);
  const data = join(real, 'store', 'pg');
  const sockets = recordedSockets(data) ?? socketDirectory(real);
  if (runningPostmaster(data) !== null) {
    // The agent's worker may have been the last to leave, and asked it to stop already: then it takes no connection any more.
    if (await staysUsed(sockets)) return false;
    await stopServer(data, sockets, 'smart');
  }
  removeIfEmpty(sockets);
  return true;
}

async function staysUsed(sockets: string): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    if ((await probe(sockets)) !== 'up' || (await countClients(sockets)) === 0) return false;
    await systemClock.sleep(LOOK_MS);
  }
  return true;
}

/** `sslmode=disable`: a PGSSLMODE in the user's shell must not make clients ask a unix socket for TLS. */
function embeddedUrl(directory: string, database: string): string {
  const query = new URLSearchParams({ host: directory, port: String(SOCKET_PORT), sslmode: 'disable' });
  return `postgresql://${SUPERUSER}@localhost/${encodeURIComponent(database)}?${query.toString()}`;
}

function refuseOddData(dataDirectory: string): void {
  const found = statSync(dataDirectory, { throwIfNoEntry: false });
  if (found === undefined || (found.isDirectory() && existsSync(join(dataDirectory, 'PG_VERSION')))) return;
  throw new SlipwayError('state_corrupt', `${dataDirectory} is not a PostgreSQL data folder (PG_VERSION is missing)`, {
    hint: `Restore it from a backup, or set it aside (mv ${dataDirectory} ${dataDirectory}.broken) to begin with an empty store.`,
  });
}

async function stopServer(dataDirectory: string, socketDir: string, mode: StopMode): Promise<void> {
  const pid = runningPostmaster(dataDirectory) ?? ghostPostmaster(socketDir, dataDirectory);
  if (pid === null) return;
  signalPostmaster(pid, mode);
  const deadline = systemClock.monotonic() + STOP_DEADLINE_MS;
  while (processExists(pid)) {
    if (systemClock.monotonic() > deadline)
      throw new SlipwayError('store_unreachable', `PostgreSQL (process ${pid}) did not stop within a minute`);
    await systemClock.sleep(10);
  }
}
