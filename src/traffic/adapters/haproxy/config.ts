import type { ListenAddress } from '../../ports.ts';
import { PROBE_AGENT } from '../../core/probe-agent.ts';
import { CLOSED, HELD_TOO_LONG, NO_ENDPOINT, TOO_SLOW, UNREACHABLE, type OwnAnswer } from '../shared/own-answers.ts';
import { COOKIE_FORMAT } from './cohort-text.ts';
import { addressOf, backendOf, type Seat } from './names.ts';
import type { Server } from './table.ts';

/** One route as the configuration has it. Mode and weights are not here: they are in the runtime table. */
export interface RouteConfig {
  readonly id: string;
  readonly frontend: string;
  readonly listen: ListenAddress;
  readonly servers: readonly Server[];
}

/** Everything the configuration is made of. */
export interface ConfigSettings {
  readonly socket: string;
  readonly script: string;
  readonly table: string;
  readonly log: { readonly port: number; readonly token: string };
  readonly drainMs: number;
  readonly routes: readonly RouteConfig[];
}

/** How an instance is looked at: twice a second, at once after a failed connection, and out after two failures in a row. */
export const SERVER_CHECK = 'check inter 500ms fastinter 100ms fall 2 rise 1 observe layer4 error-limit 1 on-error fastinter';

/**
 * What a log line says, in this order: a word only we know (anybody on this machine may send to our port), process, route, serial number within the route,
 * generation of the route, backend, server, status, times in ms (all, request, waiting, connecting, answering), retries, how it ended, whether it was ours.
 */
const LOG_FORMAT = '%pid %f %[lua.slipway_serial(@ROUTE@)] %[var(txn.generation)] %b %s %ST %Ta %TR %Tw %Tc %Tr %rc %ts %[var(txn.probe)]';

/** The configuration as HAProxy reads it. */
export function renderConfig(settings: ConfigSettings): string {
  return [header(settings), ...settings.routes.map((route) => routeText(route, settings))].join('\n');
}

function header({ socket, script, drainMs }: ConfigSettings): string {
  return `# Written by Slipway for HAProxy 2.6 and later; changes are lost with the next one of a route.
# docs/routers.md explains it. Weights, modes, instances and drains are not changed here but on the socket below.

global
  stats socket ${socket} mode 600 level admin expose-fd listeners
  stats timeout 1d
  # Log lines keep their order, and one answer to "show stat" is one moment, only with a single thread.
  nbthread 1
  lua-load ${script}
  # How long a replaced process may go on with what it has in flight.
  hard-stop-after ${drainMs}ms

defaults
  mode http
  timeout http-request 10s
  timeout http-keep-alive 75s
  timeout client 330s
  timeout connect 2s
  timeout server 60s
  timeout tunnel 1d
  option dontlognull
  # A replaced process answers one more request on each kept connection instead of closing it under its client.
  option idle-close-on-response
  option abortonclose
  option forwardfor
  retries 2
  option redispatch 1
  retry-on conn-failure empty-response
  option allbackups
${[NO_ENDPOINT, UNREACHABLE, TOO_SLOW].map((own) => `  http-error status ${own.status} ${answerText(own)}\n`).join('')}`;
}

function routeText(route: RouteConfig, { log, table }: ConfigSettings): string {
  const { id, frontend } = route;
  const field = (index: number): string => `var(txn.route),field(${index},|)`;
  return `# ${id.replaceAll(/[^\x20-\x7e]/g, '?')}
frontend ${frontend}
  bind ${addressOf(route.listen)}
  log 127.0.0.1:${log.port} format raw local0 info
  log-format "${log.token} ${LOG_FORMAT.replace('@ROUTE@', frontend)}"
  http-request set-var(txn.probe) int(1) if { req.hdr(user-agent) -m str ${PROBE_AGENT} }
  # Waits here while the route is held.
  http-request lua.slipway_gate ${frontend}
  # mode|generation|stable|canary|weight of the canary|cohort
  http-request set-var(txn.route) str(${frontend}),map(${table})
  http-request set-var(txn.mode) ${field(1)}
  http-request set-var(txn.generation) ${field(2)}
  http-request return status 503 ${answerText(HELD_TOO_LONG)} if { var(txn.late) -m bool } !{ var(txn.mode) -m str closed }
  http-request return status 503 ${answerText(CLOSED)} unless { var(txn.mode) -m str open }
  http-request set-var(txn.weight) ${field(5)},mul(100)
  http-request set-var(txn.seat) ${field(3)}
  # A bucket from 0 to 9,999, of the cohort or dealt; the canary has those below a hundred times its weight.
  http-request lua.slipway_cohort ${frontend} if { ${field(6)} -m len gt 0 }
  http-request set-var(txn.bucket) lua.slipway_deal(${frontend}) unless { var(txn.bucket) -m found }
  http-request set-var(txn.seat) ${field(4)} if { var(txn.bucket),sub(txn.weight) -m int lt 0 }
  # Nothing is sent twice that might then be done twice (RFC 9110 section 9.2.2).
  http-request disable-l7-retry unless { method GET HEAD OPTIONS PUT DELETE TRACE }
  http-request set-header x-forwarded-proto http unless { req.hdr(x-forwarded-proto) -m found }
  http-request set-header x-forwarded-host %[req.hdr(host)] unless { req.hdr(x-forwarded-host) -m found }
  http-request set-header x-request-id %[uuid()] unless { req.hdr(x-request-id) -m found }
  http-response add-header set-cookie "${COOKIE_FORMAT}" if { var(txn.cohort) -m found }
  use_backend ${frontend}.%[var(txn.seat)]

${backendText(route, 'a')}
${backendText(route, 'b')}`;
}

function backendText({ frontend, servers }: RouteConfig, seat: Seat): string {
  const backend = backendOf(frontend, seat);
  const own = servers.filter((server) => server.backend === backend);
  const lines = own.map(({ name, address, borrowed }) => `  server ${name} ${address} ${borrowed ? 'backup ' : ''}${SERVER_CHECK}\n`);
  return `backend ${backend}\n  balance leastconn\n${lines.join('')}`;
}

/** An answer of our own, as the arguments of `return` and `http-error`. */
function answerText({ message, retryAfter }: OwnAnswer): string {
  const wait = retryAfter === undefined ? '' : ` hdr retry-after ${retryAfter}`;
  return `content-type "text/plain; charset=utf-8" string "${message}\\n"${wait}`;
}
