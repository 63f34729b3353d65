import type * as Compose from '../../src/cli/compose.ts';
import { createLog } from '../../src/cli/output/log.ts';
import { createSecrets } from '../../src/cli/secrets.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { runWorker } from '../../src/release/index.ts';

/**
 * `slipway worker` but for one thing: a plan that waited for the lock is carried out as it is. The plans of these tests are scripts,
 * and there is no workspace to plan them from again. Runs as a process of its own, from the built program like the real one.
 */
const dist = new URL('../../dist/', import.meta.url);
const { openApp } = (await import(new URL('cli/compose.js', dist).href)) as typeof Compose;

const environment = process.env;
const secrets = createSecrets(environment);
const log = createLog({
  clock: systemClock,
  redact: secrets.redact,
  level: 'debug',
  write: (line) => void process.stdout.write(line),
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const app = await openApp({ workspace: process.cwd(), environment, log, secrets });
log('info', 'worker ready', { driver: app.driver.driver.id });
await runWorker({ ...app.driver, replan: async (plan) => plan }, app.opened.wakeups, stop.signal);
await app.close();
