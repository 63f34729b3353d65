import { createServer, type Server } from 'node:net';
import { SlipwayError } from '../../../kernel/index.ts';
import type { ListenAddress } from '../../ports.ts';

/**
 * Makes a server listen.
 * @throws SlipwayError `port_in_use` when someone else has the address, or when this user may not take it; `config_invalid` when it is none of this machine
 */
export async function bind(server: Server, { host, port }: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EADDRINUSE') throw new SlipwayError('port_in_use', `Another program already listens on ${host}:${port}`, { cause });
    if (cause.code === 'EACCES')
      throw new SlipwayError('port_in_use', `This user may not listen on ${host}:${port}`, {
        hint: 'Choose a port above 1023, or allow this one (setcap cap_net_bind_service).',
        cause,
      });
    if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND')
      throw new SlipwayError('config_invalid', `${host} is not an address of this machine`, { cause });
    throw cause;
  });
}

/** Takes the address and gives it back at once. @throws like {@link bind} */
export async function tryToBind(address: ListenAddress): Promise<void> {
  // Who connects in this instant would have been refused a moment before, and is refused a moment later.
  const server = createServer((socket) => socket.destroy());
  await bind(server, address);
  await new Promise((resolve) => server.close(resolve));
}

/** Could {@link tryToBind} take it now? */
export async function isFree(address: ListenAddress): Promise<boolean> {
  try {
    await tryToBind(address);
    return true;
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return false;
  }
}
