import { toIso } from '../../kernel/index.ts';
import { strangers, type FlagServer } from '../../flags/index.ts';
import { plain } from './as-is.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** Enough of the random id of a process to tell it from others. */
const SHORT = 8;

/** What is typed to mean this process. */
export function shortId({ process }: Pick<FlagServer, 'process'>): string {
  return process.slice(0, SHORT);
}

/** `the server process 4711 on web-3`. */
export function serverName({ process, host, pid }: Pick<FlagServer, 'process' | 'host' | 'pid'>): string {
  return host === null ? `the server process ${process}` : `the server process ${pid} on ${plain(host)}`;
}

/** Who may answer with flags, a line each. */
export function renderServers(servers: readonly FlagServer[], style: Style): string {
  if (servers.length === 0) return 'No server process runs. Start one with `slipway serve`.';
  const rows = servers.map((server) => [
    shortId(server),
    plain(server.host ?? ''),
    String(server.pid ?? ''),
    String(server.clients),
    keyText(server),
    stateOf(server, style),
  ]);
  const list = table([['SERVER', 'HOST', 'PID', 'CLIENTS', 'KEY', 'STATE'].map(style.dim), ...rows]);
  return strangers(servers).length === 0 ? list : `${list}\n\n${style.warn(STRANGERS)}`;
}

const STRANGERS = `These processes do not sign with keys that all of them have: a client that goes from one to another refuses its flags, and a kill waits for it.
Give every process the same file keys/flags-signing-keys.pem in its state directory (SLIPWAY_HOME), readable by its user alone, and restart it.`;

/** The beginning of the key that it signs with, as the log of `slipway serve` and pins have it. */
function keyText({ keys }: FlagServer): string {
  return keys?.[0]?.replace(/^ed25519:/, '').slice(0, SHORT) ?? '';
}

function stateOf({ silent, ended }: FlagServer, style: Style): string {
  if (ended !== null) return style.warn(`ended by ${toIso(ended.at)}; its clients count until ${toIso(ended.until)}`);
  if (silent === null) return style.good('answers');
  return style.bad(`silent since ${toIso(silent.since)}; counts until ${toIso(silent.until)}`);
}
