import { DEFAULT_LIMITS, openAccess, runBackfill, type BackfillDefinition } from '../../src/database/index.ts';
import { createFaults, messageOf, SlipwayError } from '../../src/kernel/index.ts';
import { keepCompiled } from '../support/child.ts';
import { effects } from './support.ts';

/** Adds one to each row once: a row that was changed twice, or not at all, shows. */
export const COUNTING: BackfillDefinition = {
  name: 'count',
  table: 'counted',
  key: null,
  where: 'NOT done',
  change: { kind: 'set', columns: { n: 'n + 1', done: 'true' } },
  verify: null,
  required: false,
  limits: { ...DEFAULT_LIMITS, nice: 0, mostRowsPerBatch: 40 },
};

/** The same with a statement of its own, whose rows are claimed before they are written. */
const CLAIMING: BackfillDefinition = {
  ...COUNTING,
  change: { kind: 'statement', sql: 'UPDATE counted SET n = n + 1, done = true WHERE id IN (${batch})' },
};

// Run as a process of its own, it says a line for each batch, and how it ended.
const [, , url, manner] = process.argv;
if (url !== undefined && process.argv[1]?.endsWith('backfill-child.ts') === true) {
  keepCompiled();
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  await runBackfill({
    access: openAccess(url),
    definition: manner === 'claiming' ? CLAIMING : COUNTING,
    folder: '.',
    workers: 2,
    effects: { ...effects, faults: createFaults(process.env) },
    onBatch: () => say('batch'),
  }).then(
    (result) => say(JSON.stringify(result)),
    (error: unknown) => say(`refused ${error instanceof SlipwayError ? error.code : messageOf(error)}`),
  );
}
