import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock, Log } from '../../kernel/index.ts';
import {
  assertHaproxy,
  createEmbeddedRouter,
  createHaproxyRouter,
  endHaproxy,
  type Endpoint,
  type LocalRouter,
} from '../../traffic/index.ts';
import type { AgentPlaces } from './places.ts';

/** The routers an agent can run. The first is the default. */
export const ROUTERS = ['embedded', 'haproxy'] as const;

export type RouterName = (typeof ROUTERS)[number];

interface Setup {
  readonly places: AgentPlaces;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly endpoints: (group: string) => readonly Endpoint[];
}

interface Kind {
  /** @throws SlipwayError `client_tool_missing` when it cannot run here */
  check(): Promise<void>;
  open(setup: Setup): Promise<LocalRouter>;
}

const KINDS: Readonly<Record<RouterName, Kind>> = {
  embedded: {
    check: () => Promise.resolve(),
    open: async ({ places, ...setup }) => {
      // A killed agent may have left one, and it has the ports.
      await endHaproxy(places.directory, setup.clock);
      return createEmbeddedRouter({ directory: places.directory, ...setup });
    },
  },
  haproxy: {
    check: assertHaproxy,
    open: ({ places, ...setup }) => createHaproxyRouter({ directory: places.directory, sockets: dirname(places.socket), ...setup }),
  },
};

/** Starts the router and remembers which it was for the next start. */
export async function openRouter(name: RouterName, setup: Setup): Promise<LocalRouter> {
  const router = await KINDS[name].open(setup);
  const file = fileOf(setup.places);
  writeFileSync(`${file}.new`, `${name}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return router;
}

/**
 * The router an agent of this state directory runs: the one that is asked for, else the last one, else the default.
 * @throws SlipwayError `client_tool_missing` when it cannot run here
 */
export async function routerFor(places: AgentPlaces, asked: RouterName | null): Promise<RouterName> {
  const name = asked ?? remembered(places) ?? ROUTERS[0];
  await KINDS[name].check();
  return name;
}

function remembered(places: AgentPlaces): RouterName | null {
  try {
    const text = readFileSync(fileOf(places), 'utf8').trim();
    return ROUTERS.find((name) => name === text) ?? null;
  } catch {
    return null;
  }
}

function fileOf({ directory }: AgentPlaces): string {
  return join(directory, 'router');
}
