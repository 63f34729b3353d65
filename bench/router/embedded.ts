/** The embedded router in a process of its own: `embedded.ts DIRECTORY LISTEN_PORT BACKEND_PORT`. */
import { systemClock } from '../../src/kernel/index.ts';
import { createEmbeddedRouter } from '../../src/traffic/index.ts';

const [directory = '', listen, backend] = process.argv.slice(2);
const endpoints = [{ host: '127.0.0.1', port: Number(backend) }];
const router = await createEmbeddedRouter({
  directory,
  clock: systemClock,
  log: () => undefined,
  random: Math.random,
  endpoints: () => endpoints,
});
await router.apply(1, {
  id: 'bench/dev',
  listen: { host: '127.0.0.1', port: Number(listen) },
  mode: 'open',
  backends: [{ group: 'bench/dev/blue', version: '1', weight: 100, process: 'web' }],
});
process.send?.({ port: Number(listen) });
process.once('disconnect', () => process.exit(0));
