import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentPlaces } from '../../../server/index.ts';
import type { Router } from '../../../traffic/index.ts';
import { openPeers } from '../../compose.ts';

/** A route whose address its agent could not take: users do not reach what it leads to. */
export interface DeafRoute {
  readonly route: string;
  readonly reason: string;
  readonly fix: string | null;
}

/** The routes of a running agent that should listen and do not. */
export async function deafRoutes(home: string): Promise<readonly DeafRoute[]> {
  const { router, target } = openPeers(home);
  try {
    const asked = await Promise.all(routesOf(home).map((id) => deafRoute(router, id)));
    return asked.filter((one) => one !== null);
  } finally {
    await Promise.all([router.close(), target.close()]);
  }
}

/** Why a route that should listen does not; null for one that does, or is none. */
export async function deafRoute(router: Pick<Router, 'inspect' | 'canListen'>, id: string): Promise<DeafRoute | null> {
  const state = await router.inspect(id);
  if (state === null || state.listening) return null;
  const { listen } = state.spec;
  const { verdict, reason, fix } = await router.canListen(id, listen);
  if (verdict !== 'pass') return { route: id, reason, fix };
  // Nobody else has the address, so that is not why: an agent that has just started may have opened it meanwhile.
  if ((await router.inspect(id))?.listening !== false) return null;
  return { route: id, reason: `its router has not opened ${listen.host}:${listen.port} yet`, fix: 'Look into agent.log' };
}

/** The remark about it, for whoever started the agent. */
export function deafNote({ route, reason, fix }: DeafRoute): string {
  const sentences = [reason, fix, 'The agent takes the address by itself as soon as it can'];
  return `note: users do not reach ${route}: ${sentences.flatMap((one) => (one === null ? [] : [one.replace(/\.+$/, '')])).join('. ')}`;
}

/** What the agent was told last; it refuses to start with a file that cannot be read. */
function routesOf(home: string): readonly string[] {
  try {
    const text = readFileSync(join(agentPlaces(home).directory, 'routes.json'), 'utf8');
    return (JSON.parse(text) as { readonly routes: readonly { readonly id: string }[] }).routes.map(({ id }) => id);
  } catch {
    return [];
  }
}
