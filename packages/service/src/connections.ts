import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The HTTP side of a shutdown: what is open, how it ends by itself, and how it is cut. */
export interface Connections {
  /** Watches a server's sockets, upgraded ones (WebSocket) included. */
  watch(server: Server): void;
  /** Counts an answer as in flight until it is closed. */
  begin(response: ServerResponse): void;
  /** How many servers are watched. */
  servers(): number;
  /** From now on every answer carries `Connection: close`. */
  sayGoodbye(): void;
  /** Stops listening and resolves when the last connection is gone. */
  drain(): Promise<void>;
  /** Destroys what is left; returns how many answers and upgraded connections were cut. */
  cut(): number;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // The only error is "not running", which is what we want.
    server.close(() => resolve());
  });
}

export function createConnections(): Connections {
  const servers = new Set<Server>();
  const sockets = new Set<Socket>();
  const upgraded = new Set<Socket>();
  const responses = new Set<ServerResponse>();
  let leaving = false;
  let draining = false;

  const goodbye = (response: ServerResponse): void => {
    if (!response.headersSent) response.setHeader('connection', 'close');
  };
  const onSocket = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      upgraded.delete(socket);
    });
  };
  const onceClosed = async (server: Server): Promise<void> => {
    // Upgraded sockets are no longer the server's, so its own close would not wait for them.
    const tunnels = [...upgraded].map((socket) => new Promise((resolve) => void socket.once('close', resolve)));
    await Promise.all([close(server), ...tunnels]);
  };
  return {
    watch: (server) => {
      if (servers.has(server)) return;
      servers.add(server);
      server.on('connection', onSocket);
      server.on('upgrade', (_request, socket) => upgraded.add(socket as Socket));
    },
    begin: (response) => {
      responses.add(response);
      if (leaving) goodbye(response);
      response.once('close', () => {
        responses.delete(response);
        // An answer whose head was sent before the shutdown promised to keep its connection; nobody needs it now.
        if (draining) setImmediate(() => servers.forEach((server) => server.closeIdleConnections()));
      });
    },
    servers: () => servers.size,
    sayGoodbye: () => {
      leaving = true;
      responses.forEach(goodbye);
    },
    drain: async () => {
      draining = true;
      await Promise.all([...servers].map(onceClosed));
    },
    cut: () => {
      const lost = responses.size + upgraded.size;
      sockets.forEach((socket) => socket.destroy());
      return lost;
    },
  };
}
