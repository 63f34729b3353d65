import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError, systemClock } from '../../kernel/index.ts';
import { chooseIdentity } from './identity.ts';
import { readFailure } from './failures.ts';
import { initialise } from './initialise.ts';
import { launchServer, type Launch, type Launched } from './launch.ts';
import { clearForeignPidFile, ghostPostmaster, recordedSockets, runningPostmaster, signalPostmaster } from './postmaster.ts';
import { probe } from './probe.ts';
import { checkSocketDirectory, secureSocketDirectory } from './socket.ts';

export interface Place {
  readonly home: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
}

/** Crash recovery after a long run reads at most `max_wal_size` of log; a minute is plenty on a slow disk. */
const READY_DEADLINE_MS = 60_000;
const POLL_MS = 12;
/** A server that stops for longer waits for clients of ours that will not leave; it is told to disconnect them. */
const PATIENCE_WITH_STOPPING_MS = 1_000;
/** A server that runs without its socket (somebody cleaned the temporary folder) is restarted after this. */
const PATIENCE_WITH_SILENCE_MS = 3_000;

/**
 * Makes sure that a server answers on the socket; true when this call started it.
 * No lock of ours: `initdb` works on a private folder that is renamed, and of two servers PostgreSQL itself lets one live.
 */
export async function bringUp(place: Place): Promise<boolean> {
  checkSocketDirectory(place.socketDirectory, dataOwnerOf(place) ?? ownUser());
  const since = systemClock.monotonic();
  let launch: Launch | null = null;
  let launched: Launched | null = null;
  let stoppingSince: number | null = null;
  for (;;) {
    const state = await probe(place.socketDirectory);
    if (state === 'up' && hasPidFile(place)) return launched?.failure() === null;
    await refuseMoved(place);
    const waited = deadlineChecked(place, since);
    if (state !== 'stopping') stoppingSince = null;
    else stoppingSince ??= systemClock.monotonic();
    unblock(place, { state, silentFor: launched === null ? waited : 0, stoppingSince });
    if (state === 'down' && mayLaunch(launched, place)) {
      launch ??= await prepare(place);
      // Again before each try: whoever stopped the last server may have taken its folder away.
      secureSocketDirectory(place.socketDirectory, launch.identity.owner);
      launched = launchServer(launch, place.dataDirectory, place.socketDirectory);
    }
    await systemClock.sleep(POLL_MS);
  }
}

/** Without it the server that answers is one whose data folder was removed. */
function hasPidFile(place: Place): boolean {
  return existsSync(join(place.dataDirectory, 'postmaster.pid'));
}

/** One that answers in another folder is never stopped for the sake of this process: others work with it. */
async function refuseMoved({ home, dataDirectory, socketDirectory }: Place): Promise<void> {
  const recorded = recordedSockets(dataDirectory);
  if (recorded === null || recorded === socketDirectory || (await probe(recorded)) !== 'up') return;
  throw new SlipwayError('store_unreachable', `PostgreSQL for ${home} has its socket in ${recorded} by now, not in ${socketDirectory}`, {
    hint: 'Start this process again, with the TMPDIR that the others have.',
  });
}

function deadlineChecked(place: Place, since: number): number {
  const waited = systemClock.monotonic() - since;
  if (waited <= READY_DEADLINE_MS) return waited;
  throw new SlipwayError('store_unreachable', `PostgreSQL for ${place.home} did not answer within a minute`);
}

/** Programs, user, socket folder and data folder are there afterwards. */
async function prepare(place: Place): Promise<Launch> {
  const store = join(place.home, 'store');
  // Loaded only where a server must be started.
  const { locateBinaries } = await import('./binaries.ts');
  const binaries = locateBinaries(join(store, 'lib'));
  const dataOwner = dataOwnerOf(place);
  const launch = { binaries, identity: chooseIdentity([binaries.postgres, place.dataDirectory], dataOwner) };
  if (dataOwner === null) await initialise(launch, place.dataDirectory);
  clearForeignPidFile(place.dataDirectory);
  return launch;
}

function ownUser(): number {
  return process.getuid?.() ?? 0;
}

function dataOwnerOf(place: Place): number | null {
  return statSync(place.dataDirectory, { throwIfNoEntry: false })?.uid ?? null;
}

/** First try, or the last one lost a race or met the dead server's leftovers. Throws when it was refused. */
function mayLaunch(launched: Launched | null, place: Place): boolean {
  if (launched === null) return runningPostmaster(place.dataDirectory) === null;
  const log = launched.failure();
  if (log === null) return false;
  const failure = readFailure('starting', log, place.dataDirectory);
  if (failure.kind === 'refused') throw failure.error;
  return runningPostmaster(place.dataDirectory) === null;
}

/** Ends servers that stand in the way: one whose data is gone, one that stops for ever, one without a socket. */
function unblock(place: Place, seen: { readonly state: string; readonly silentFor: number; readonly stoppingSince: number | null }): void {
  const ghost = ghostPostmaster(place.socketDirectory, place.dataDirectory);
  if (ghost !== null) signalPostmaster(ghost, 'immediate');
  const stuck = seen.stoppingSince !== null && systemClock.monotonic() - seen.stoppingSince > PATIENCE_WITH_STOPPING_MS;
  const silent = seen.state === 'down' && seen.silentFor > PATIENCE_WITH_SILENCE_MS;
  const pid = stuck || silent ? runningPostmaster(place.dataDirectory) : null;
  if (pid !== null) signalPostmaster(pid, 'fast');
}
