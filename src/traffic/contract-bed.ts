import { randomUUID } from 'node:crypto';
import { freePort } from '../../test/support/free-port.ts';
import { type Cleanup, createCleanup, startServer } from '../../test/traffic/support.ts';
import type { BackendSpec, Endpoint, RouteSpec, Router } from './ports.ts';

/** A router under test with the two things that happen to it from outside. */
export interface RouterRig {
  /** The router; another object after {@link RouterRig.restart}. */
  router(): Router;
  /** Resolves when requests follow. */
  setEndpoints(group: string, endpoints: readonly Endpoint[]): Promise<void>;
  /** Ends the router's process or its like, and starts it again on the same directory. Endpoints are told again. */
  restart(): Promise<void>;
}

export type CreateRig = (cleanup: Cleanup) => Promise<RouterRig>;

export const BLUE = 'shop/prd/blue';
export const GREEN = 'shop/prd/green';

/** A router, and a route that is not applied yet. */
export interface Bed {
  readonly cleanup: Cleanup;
  readonly rig: RouterRig;
  readonly port: number;
  readonly id: string;
}

export async function makeBed(createRig: CreateRig): Promise<Bed> {
  const cleanup = createCleanup();
  const rig = await createRig(cleanup);
  return { cleanup, rig, port: await freePort(), id: `shop/prd-${randomUUID().slice(0, 8)}` };
}

export function backend(group: string, weight: number): BackendSpec {
  return { group, version: group === BLUE ? '1.0.0' : '1.1.0', weight, process: 'web' };
}

/** All of it on the blue group, unless it is said otherwise. */
export function routeOf({ id, port }: Bed, more: Partial<RouteSpec> = {}): RouteSpec {
  return { id, listen: { host: '127.0.0.1', port }, mode: 'open', backends: [backend(BLUE, 100), backend(GREEN, 0)], ...more };
}

export function local(...ports: readonly number[]): readonly Endpoint[] {
  return ports.map((one) => ({ host: '127.0.0.1', port: one }));
}

/** Starts a server that answers with a text, as the only instance of a group. */
export async function serveAs({ cleanup, rig }: Bed, group: string, text: string): Promise<number> {
  const server = await startServer(cleanup, (request, response) => void request.resume().once('end', () => response.end(text)));
  await rig.setEndpoints(group, local(server.port));
  return server.port;
}
