import { createHash } from 'node:crypto';
import type { Endpoint } from '../../ports.ts';

/** A route has two backends in HAProxy, because HAProxy 2.6 cannot add one while it runs; groups take turns in them. */
export type Seat = 'a' | 'b';

/** What HAProxy calls a route: `service.environment`; with a part of its hash where the id has characters HAProxy takes for its own. */
export function frontendOf(routeId: string): string {
  if (/^[\w-]+\/[\w-]+$/.test(routeId)) return routeId.replace('/', '.');
  const hash = createHash('sha256').update(routeId).digest('hex').slice(0, 8);
  return `${routeId.replaceAll(/[^\w-]/g, '_')}.${hash}`;
}

export function backendOf(frontend: string, seat: Seat): string {
  return `${frontend}.${seat}`;
}

/** Servers of the other version, which answer when no instance of a backend's own does. */
const BORROWED = 'other-';

/** An instance's name in HAProxy is its address, so that a log line says which one answered. */
export function serverOf({ host, port }: Endpoint, borrowed: boolean): string {
  return `${borrowed ? BORROWED : ''}${host}:${port}`;
}

/** The way back from {@link serverOf}; null for `<NOSRV>`. */
export function endpointOf(server: string): { readonly host: string; readonly port: number; readonly borrowed: boolean } | null {
  const borrowed = server.startsWith(BORROWED);
  const address = borrowed ? server.slice(BORROWED.length) : server;
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  return colon < 1 || !Number.isInteger(port) ? null : { host: address.slice(0, colon), port, borrowed };
}

/** As HAProxy reads an address. */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
