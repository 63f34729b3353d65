import { createExec, createFaults, createRedactor, systemClock, systemIds, type Clock } from '../../src/kernel/index.ts';
import { gateLook, runRamps, type RampDeps, type StepDeps } from '../../src/release/index.ts';
import { keepCompiled } from '../support/child.ts';
import { openStore, type OpenStore } from '../../src/store/index.ts';

export const NODE = 'here:/state';
/** A killed worker's ramp is taken over this soon. */
export const LEASE = { leaseMs: 600, renewMs: 200, marginMs: 100 };

/** What driving ramps takes, over a real store and real sources. */
export function rampDeps(opened: OpenStore, log: (line: string) => void = () => undefined, clock: Clock = systemClock): RampDeps {
  const redact = createRedactor();
  const effects = {
    clock,
    ids: systemIds,
    faults: createFaults(process.env),
    exec: createExec(clock, redact),
    log: (_level: string, message: string, fields: object = {}) => log(`${message} ${JSON.stringify(fields)}`),
    redact,
  };
  const deps = { effects, store: opened.store, flags: opened.flags, environmentFor: async () => ({}) } as unknown as StepDeps;
  return { ramps: opened.ramps, flags: opened.flags, effects, renewMs: LEASE.renewMs, look: gateLook(deps) };
}

// Run as a process of its own, it is a worker that drives ramps until it is killed.
const [, , url, home = ''] = process.argv;
if (url !== undefined && process.argv[1]?.endsWith('ramp-child.ts') === true) {
  keepCompiled();
  const opened = await openStore({ home, url, node: NODE, clock: systemClock, lease: LEASE });
  await runRamps(
    rampDeps(opened, (line) => void process.stderr.write(`${line}\n`)),
    NODE,
    new AbortController().signal,
  );
}
