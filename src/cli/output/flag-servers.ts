import { toIso } from '../../kernel/index.ts';
import type { FlagServer } from '../../flags/index.ts';
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
    stateOf(server, style),
  ]);
  return table([['SERVER', 'HOST', 'PID', 'CLIENTS', 'STATE'].map(style.dim), ...rows]);
}

function stateOf({ silent, ended }: FlagServer, style: Style): string {
  if (ended !== null) return style.warn(`ended by ${toIso(ended.at)}; its clients count until ${toIso(ended.until)}`);
  if (silent === null) return style.good('answers');
  return style.bad(`silent since ${toIso(silent.since)}; counts until ${toIso(silent.until)}`);
}
