import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { realPathOf } from '../../kernel/index.ts';
import { removeIfEmpty, secureSocketDirectory, socketDirectory } from '../../store/index.ts';

/** Where one agent keeps its things. */
export interface AgentPlaces {
  /** Desired state, instance records and logs. */
  readonly directory: string;
  /** The control socket, in a short folder nobody else can enter. */
  readonly socket: string;
  readonly log: string;
  readonly workerLog: string;
}

/** The places of a state directory's agent, whether or not they are there: many only ask whether one runs. */
export function agentPlaces(home: string): AgentPlaces {
  const directory = join(home, 'agent');
  const sockets = socketDirectory(realPathOf(directory));
  return { directory, socket: join(sockets, 'agent.sock'), log: join(directory, 'agent.log'), workerLog: join(directory, 'worker.log') };
}

/** The same for who writes there: the directory is made when missing. */
export function makeAgentPlaces(home: string): AgentPlaces {
  const places = agentPlaces(home);
  mkdirSync(places.directory, { recursive: true, mode: 0o700 });
  return places;
}

/** Takes the socket away, with its folder. */
export function removeSocket({ socket }: AgentPlaces): void {
  rmSync(socket, { force: true });
  removeIfEmpty(dirname(socket));
}

/** Makes the socket's folder, or refuses one that somebody else could write to. */
export function secureSocketFolder({ socket }: AgentPlaces): void {
  secureSocketDirectory(join(socket, '..'), process.getuid?.() ?? 0);
}
