import type { Server } from 'node:http';
import type { Logger } from './logger.ts';
import type { Service } from './types.ts';

/** What is done between listening and being ready, in order; the first failure ends it. */
export function createStart(log: Logger): { readonly add: Service['onStart']; readonly run: () => Promise<boolean> } {
  const hooks: { readonly name: string; readonly run: () => unknown }[] = [];
  return {
    add: (name, run) => void hooks.push({ name, run }),
    run: async () => {
      for (const { name, run } of hooks) {
        try {
          await run();
        } catch (error) {
          log.fatal({ err: error, hook: name }, 'could not start');
          return false;
        }
      }
      return true;
    },
  };
}

/** Listens on the given place, else on $PORT of $HOST. */
export function listenOn(server: Server, { port, host }: { readonly port?: number; readonly host?: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port ?? Number(process.env['PORT'] ?? 3_000), host ?? process.env['HOST'] ?? '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
