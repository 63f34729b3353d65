import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../kernel/index.ts';

/** One line of /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export function knownAccounts(): readonly Account[] {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  return lines.map((line) => line.split(':')).map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

/**
 * Refuses the store of another user before anything is looked for, made or stopped there. Root too: it would leave files that the owner
 * cannot read, and would not find the owner's agent. What root made is root's, although PostgreSQL may run there as another user.
 * @param home the state directory, which need not be there
 * @throws SlipwayError `store_owner`
 */
export function refuseForeignStore(home: string): void {
  const self = process.getuid?.();
  if (self === undefined) return;
  const owner = ownerOf(home, self);
  if (owner !== self) throw foreignStore(home, owner, self);
}

function foreignStore(home: string, owner: number, self: number): SlipwayError {
  const account = knownAccounts().find(({ uid }) => uid === owner);
  const asOwner = owner === 0 ? 'sudo' : `sudo -u ${account?.name ?? `'#${owner}'`}`;
  const message = `The store in ${join(home, 'store')} belongs to ${account?.name ?? `user id ${owner}`}, and this is user id ${self}`;
  return new SlipwayError('store_owner', message, { hint: `Run it as that user: \`${asOwner} slipway ...\`` });
}

/** Whose the store is; `self` where nobody else's right is touched. */
function ownerOf(home: string, self: number): number {
  const folder = join(home, 'store');
  try {
    const store = statSync(folder, { throwIfNoEntry: false });
    if (store === undefined || (self === 0 && store.uid === 0)) return self;
    const data = statSync(join(folder, 'pg'), { throwIfNoEntry: false });
    return data === undefined ? emptyOwner(folder, store.uid, self) : dataOwner(store.uid, data.uid, self);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return statSync(home).uid;
  }
}

/** A volume that root made for an ordinary user, who has not begun, is the user's. */
function emptyOwner(folder: string, owner: number, self: number): number {
  return self !== 0 && mayWrite(folder) ? self : owner;
}

/** Root's PostgreSQL may run as another user, and it is root's all the same. */
function dataOwner(store: number, data: number, self: number): number {
  return store === 0 && data !== self ? store : data;
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
