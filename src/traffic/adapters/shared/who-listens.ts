import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

/** `NAME (pid 123)` of a program that listens on the port; null where that cannot be seen: other users' programs, and without /proc. */
export async function whoListens(port: number): Promise<string | null> {
  const sockets = await listeningSockets(port);
  if (sockets.size === 0) return null;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (!(await holdsOneOf(pid, sockets))) continue;
    // Its file, not what it calls itself: Node's name is that of its first thread, and a title may hold arguments.
    const file = await readlink(`/proc/${pid}/exe`).catch(() => 'a program');
    return `${basename(file)} (pid ${pid})`;
  }
  return null;
}

/** Links of the sockets, as a process's file descriptors show them. */
async function listeningSockets(port: number): Promise<ReadonlySet<string>> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  const rows = tables.flatMap((table) => table.split('\n').slice(1)).map((row) => row.trim().split(/\s+/));
  const listening = rows.filter(([, local, , state]) => state === LISTEN && local?.endsWith(`:${wanted}`) === true);
  return new Set(listening.map((row) => `socket:[${row[9]}]`));
}

/** A process that ended meanwhile, or is none of ours, holds none that we could see. */
async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder).catch(() => []);
  const links = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  return links.some((link) => sockets.has(link));
}
