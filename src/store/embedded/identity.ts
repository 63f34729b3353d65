import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';
import { knownAccounts, type Account } from './owner.ts';

/** How PostgreSQL, which refuses to run as root, is started here. */
export interface Identity {
  /** Goes before the program; empty when it is started directly. */
  readonly prefix: readonly string[];
  /** For spawn; absent when the caller's own user is used. */
  readonly credentials: { readonly uid: number; readonly gid: number } | null;
  /** The user that owns the files. */
  readonly owner: number;
}

/** A user namespace in which root is called 1000: no user is created, files stay root's. */
const NAMESPACE = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];

/**
 * Chooses the user for the server.
 * @param paths folders the server must reach (its programs, its data)
 * @param dataOwner owner of existing data, which decides; null when there is none yet
 * @throws SlipwayError `platform_unsupported` when root has no way to run it, or the data belongs to another user
 */
export function chooseIdentity(paths: readonly string[], dataOwner: number | null): Identity {
  const self = process.getuid?.() ?? 0;
  const mine: Identity = { prefix: [], credentials: null, owner: self };
  if (process.getuid === undefined) return mine;
  if (self !== 0) {
    if (dataOwner === null || dataOwner === self) return mine;
    throw new SlipwayError('platform_unsupported', `The store's files belong to user id ${dataOwner}, not to you (${self})`, {
      hint: 'Run Slipway as that user, or choose another state directory.',
    });
  }
  if ((dataOwner ?? 0) === 0 && namespaceWorks()) return { prefix: NAMESPACE, credentials: null, owner: 0 };
  return asOtherUser(paths, dataOwner);
}

function namespaceWorks(): boolean {
  const [command = '', ...args] = NAMESPACE;
  return spawnSync(command, [...args, 'true'], { stdio: 'ignore' }).status === 0;
}

function asOtherUser(paths: readonly string[], dataOwner: number | null): Identity {
  for (const account of accounts(dataOwner)) {
    if (paths.every((path) => reachable(path, account.uid))) {
      return { prefix: [], credentials: { uid: account.uid, gid: account.gid }, owner: account.uid };
    }
  }
  throw new SlipwayError(
    'platform_unsupported',
    'PostgreSQL does not run as root, and neither a user namespace nor another user can be used here',
    {
      hint: 'Run Slipway as an ordinary user, move the state directory out of folders only root can enter (/root), or set SLIPWAY_DATABASE_URL.',
    },
  );
}

function accounts(dataOwner: number | null): readonly Account[] {
  const known = knownAccounts();
  if (dataOwner !== null && dataOwner !== 0) return known.filter(({ uid }) => uid === dataOwner);
  return ['postgres', 'nobody'].flatMap((wanted) => known.filter(({ name }) => name === wanted));
}

/** May the user enter every folder above `path`, by its owner's or everybody's right? */
function reachable(path: string, uid: number): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid: owner } = statSync(folder);
    if ((mode & (owner === uid ? 0o100 : 0o001)) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
