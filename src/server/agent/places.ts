import { mkdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The places of a state directory's agent; the directory is made when missing. */
export function agentPlaces(home: string): AgentPlaces {
  const directory = join(home, 'agent');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const sockets = socketDirectory(realpathSync(directory));
  return { directory, socket: join(sockets, 'agent.sock'), log: join(directory, 'agent.log'), workerLog: join(directory, 'worker.log') };
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
