import { systemClock } from '../../src/kernel/index.ts';
import { type EmbeddedRouterOptions, type LocalRouter, type RouteSpec, createEmbeddedRouter } from '../../src/traffic/index.ts';
import { freePort } from '../support/free-port.ts';
import { type Cleanup, scratch } from './support.ts';

export const ROUTE = 'shop/prd';
export const BLUE = 'shop/prd/blue';
const GREEN = 'shop/prd/green';

/** An embedded router with one open route, all of it on the blue group. */
export interface EmbeddedRig {
  readonly router: LocalRouter;
  readonly port: number;
  readonly spec: RouteSpec;
  /** Makes these ports the blue group's endpoints. */
  point(...ports: readonly number[]): void;
}

export async function createEmbeddedRig(cleanup: Cleanup, options: Partial<EmbeddedRouterOptions> = {}): Promise<EmbeddedRig> {
  const limits = { drainMs: 500, ...options.limits };
  const router = await createEmbeddedRouter({
    directory: await scratch(cleanup),
    clock: systemClock,
    log: () => undefined,
    random: Math.random,
    ...options,
    limits,
  });
  cleanup.add(router, (running) => running.close());
  const spec: RouteSpec = {
    id: ROUTE,
    listen: { host: '127.0.0.1', port: await freePort() },
    mode: 'open',
    backends: [
      { group: BLUE, version: '1.0.0', weight: 100, process: 'web' },
      { group: GREEN, version: '1.1.0', weight: 0, process: 'web' },
    ],
  };
  await router.apply(1, spec);
  const point = (...ports: readonly number[]): void =>
    void router.setEndpoints(
      BLUE,
      ports.map((port) => ({ host: '127.0.0.1', port })),
    );
  return { router, port: spec.listen.port, spec, point };
}
