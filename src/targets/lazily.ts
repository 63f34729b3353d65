/**
 * The parts of this room that bring undici, hono or zod, loaded when they are first used: most processes need none of them,
 * and every command would wait for all of them at its start.
 */
import type { Hono } from 'hono';
import type { Log } from '../kernel/index.ts';
import type { AgentTarget } from './adapters/agent.ts';
import type { ProcessTarget, ProcessTargetOptions } from './adapters/process.ts';
import type { Target } from './ports.ts';

/** See `adapters/process.ts`. */
export async function createProcessTarget(options: ProcessTargetOptions): Promise<ProcessTarget> {
  const local = await import('./adapters/process.ts');
  return local.createProcessTarget(options);
}

/** See `http.ts`. */
export async function createTargetRoutes(target: Target, log: Log): Promise<Hono> {
  const http = await import('./http.ts');
  return http.createTargetRoutes(target, log);
}

/** See `adapters/agent.ts`. */
export function createAgentTarget(options: { readonly socketPath: string }): AgentTarget {
  let made: Promise<AgentTarget> | null = null;
  const target = (): Promise<AgentTarget> => (made ??= import('./adapters/agent.ts').then((agent) => agent.createAgentTarget(options)));
  return {
    apply: async (fence, spec) => (await target()).apply(fence, spec),
    inspect: async (group) => (await target()).inspect(group),
    list: async (service, environment) => (await target()).list(service, environment),
    output: async (group, instance, lines) => (await target()).output(group, instance, lines),
    remove: async (fence, group) => (await target()).remove(fence, group),
    close: async () => (await made)?.close(),
  };
}
