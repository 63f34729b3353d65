import { fstatSync } from 'node:fs';
import { systemClock } from '../../kernel/index.ts';
import { keepTellingOwners } from '../../flags/index.ts';
import { runRamps, runWorker } from '../../release/index.ts';
import { agentPlaces, ownOutput } from '../../server/index.ts';
import { openApp } from '../compose.ts';
import { createLog, levelFrom } from '../output/log.ts';
import { findPlaces } from '../places.ts';
import { refuseStrangeFolder } from './shared/app.ts';
import { onInterrupt } from './shared/interrupt.ts';
import type { Handler } from './spec.ts';

/** Drives releases until it is told to stop, or the agent that holds its input is gone. */
export const run: Handler = async (call) => {
  await refuseStrangeFolder(call);
  const { directory, environment, secrets } = call;
  const log = createLog({
    clock: systemClock,
    redact: secrets.redact,
    level: levelFrom(environment['SLIPWAY_LOG'], 'info'),
    write: ownOutput(agentPlaces(findPlaces(directory, environment).home).workerLog),
  });
  const interrupt = onInterrupt();
  const app = await openApp({ workspace: directory, environment, log, secrets });
  try {
    // What the first step that talks to an agent or an instance would otherwise wait for.
    void import('undici');
    log('info', 'worker ready', { node: app.places.node, driver: app.driver.driver.id });
    const end = AbortSignal.any([interrupt.signal, inputClosed()]);
    await Promise.all([
      runWorker(app.driver, app.opened.wakeups, end),
      runRamps(app.ramps, app.places.node, end),
      keepTellingOwners(app.notices, end),
    ]);
    log('info', 'worker stopped');
  } finally {
    await app.close();
  }
  return 0;
};

/** Aborts when the other end of our input is closed. Input that nobody holds (/dev/null, a file, a terminal) says nothing. */
function inputClosed(): AbortSignal {
  const closed = new AbortController();
  const input = fstatSync(0);
  if (!input.isFIFO() && !input.isSocket()) return closed.signal;
  process.stdin.resume();
  for (const event of ['end', 'close', 'error']) process.stdin.once(event, () => closed.abort());
  return closed.signal;
}
