/**
 * The parts of this room that bring undici, hono or zod, loaded when they are first used: most processes need none of them,
 * and every command would wait for all of them at its start.
 */
import type { Hono } from 'hono';
import type { Clock, Log } from '../kernel/index.ts';
import type { AgentRouter, AgentRouterOptions } from './adapters/agent.ts';
import type { EmbeddedRouterOptions } from './adapters/embedded.ts';
import type { HaproxyRouterOptions } from './adapters/haproxy.ts';
import type { LocalRouter, Router } from './ports.ts';

/** See `adapters/embedded.ts`. */
export async function createEmbeddedRouter(options: EmbeddedRouterOptions): Promise<LocalRouter> {
  const embedded = await import('./adapters/embedded.ts');
  return embedded.createEmbeddedRouter(options);
}

/** See `adapters/haproxy.ts`. */
export async function createHaproxyRouter(options: HaproxyRouterOptions): Promise<LocalRouter> {
  const haproxy = await import('./adapters/haproxy.ts');
  return haproxy.createHaproxyRouter(options);
}

/** See `adapters/haproxy/outside.ts`. */
export async function assertHaproxy(): Promise<void> {
  const haproxy = await import('./adapters/haproxy/outside.ts');
  await haproxy.assertHaproxy();
}

/** See `adapters/haproxy/outside.ts`. */
export async function endHaproxy(directory: string, clock: Clock): Promise<void> {
  const haproxy = await import('./adapters/haproxy/outside.ts');
  await haproxy.endHaproxy(directory, clock);
}

/** See `adapters/haproxy/outside.ts`. */
export async function runningHaproxy(directory: string, clock: Clock): Promise<number | null> {
  const haproxy = await import('./adapters/haproxy/outside.ts');
  return haproxy.runningHaproxy(directory, clock);
}

/** See `http.ts`. */
export async function createRouterRoutes(router: Router, log: Log): Promise<Hono> {
  const http = await import('./http.ts');
  return http.createRouterRoutes(router, log);
}

/** See `adapters/agent.ts`. */
export function createAgentRouter(options: AgentRouterOptions): AgentRouter {
  let made: Promise<AgentRouter> | null = null;
  const router = (): Promise<AgentRouter> => (made ??= import('./adapters/agent.ts').then((agent) => agent.createAgentRouter(options)));
  return {
    apply: async (fence, spec) => (await router()).apply(fence, spec),
    remove: async (fence, id) => (await router()).remove(fence, id),
    inspect: async (id) => (await router()).inspect(id),
    canListen: async (id, address) => (await router()).canListen(id, address),
    stats: async (id) => (await router()).stats(id),
    history: async (id, group) => (await router()).history(id, group),
    close: async () => (await made)?.close(),
  };
}
