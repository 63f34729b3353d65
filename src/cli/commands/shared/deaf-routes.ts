import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentPlaces } from '../../../server/index.ts';
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
    const asked = await Promise.all(
      routesOf(home).map(async (id): Promise<readonly DeafRoute[]> => {
        const state = await router.inspect(id);
        if (state === null || state.listening) return [];
        const { reason, fix } = await router.canListen(id, state.spec.listen);
        return [{ route: id, reason, fix }];
      }),
    );
    return asked.flat();
  } finally {
    await Promise.all([router.close(), target.close()]);
  }
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
