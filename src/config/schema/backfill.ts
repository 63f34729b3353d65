import { z } from 'zod';
import { DEFAULT_LIMITS, type BackfillChange, type BackfillDefinition, type BackfillLimits } from '../../database/index.ts';
import { nonBlank, orElse, positiveDuration, duration, relativePath, section } from './scalars.ts';

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `64MiB` -> bytes. */
const size = z
  .string('a size such as 64MiB or 2GiB')
  .meta({ pattern: '^[0-9]+(KiB|MiB|GiB)$' })
  .transform((text, context) => {
    const [, amount = '', unit = ''] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(text) ?? [];
    const factor = UNITS[unit];
    if (factor !== undefined) return Number(amount) * factor;
    context.addIssue({ code: 'custom', message: `"${text}" is not a size; write 512KiB, 64MiB or 2GiB` });
    return z.NEVER;
  });

const count = z.int().min(0);

const limits = section({
  transaction: positiveDuration.optional().describe('How long one transaction is meant to take; the size of a batch follows from it (default 1ms).'),
  rows: z.int().min(1).max(1_000_000).optional().describe('Most rows a batch looks at (default 20000).'),
  nice: z.number().min(0).max(100).optional().describe('Pause after a batch, as a multiple of the time it took, and as much again for each session of others that is at work (default 1.5).'),
  quarantine: count.optional().describe('Rows that cannot be changed and are set aside before it gives up (default 100).'),
  'lock-timeout': positiveDuration.optional().describe('Longest wait of a batch for a lock (default 100ms).'),
  most: duration.optional().describe('Longest run of one call (default: no bound).'),
  'lock-waiters': count.optional().describe('It waits while more sessions of others wait for locks (default 3).'),
  'active-sessions': count.optional().describe('It waits while more sessions of others run a query (default 16).'),
  'replica-lag': positiveDuration.optional().describe('It waits while a replica is further behind (default 2s).'),
  'replica-bytes': size.optional().describe('The same, in WAL (default 64MiB).'),
  'kept-wal': size.optional().describe('It waits while a replication slot keeps more WAL (default 1GiB).'),
  'dead-rows': z.number().min(0).optional().describe('It waits while the table has more dead rows, as a multiple of its live ones (default 1.5).'),
  latency: z.number().min(1).optional().describe('It waits while a read by key or a commit takes longer, as a multiple of what it took before (default 4).'),
  'free-disk': size.optional().describe("It waits while less is free on the server's disk, where that can be seen (default 2GiB)."),
});

/** A file of the folder `backfills`. */
export const backfillSchema = section({
  table: nonBlank.describe('Table whose rows are changed, as SQL names it.'),
  key: z.array(nonBlank).min(1).optional().describe('Columns of a unique index to walk along (default: the primary key).'),
  where: nonBlank.describe('SQL condition that is true of rows that still need work.'),
  set: z.record(nonBlank, z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional().describe('Columns to write, each with an SQL expression over the row.'),
  statement: nonBlank.optional().describe('A whole statement instead of `set`; ${batch} stands for a subquery of the keys of the batch.'),
  function: relativePath.optional().describe('A module (.ts, .js) instead of `set`, whose default export takes rows and answers the columns to write.'),
  verify: nonBlank.optional().describe('Query that counts the rows that are wrong (default: those for which `where` is true).'),
  required: z.boolean().optional().describe('A release of this commit is refused until it is done and its verification passes (default false).'),
  limits: limits.optional().describe('How gentle it is.'),
});

type Entry = z.output<typeof backfillSchema>;
type Complain = (path: readonly string[], message: string) => void;

/** What the file says, in the words of the database room; what does not fit together is told to `complain`. */
export function toBackfill(name: string, given: Entry, complain: Complain): BackfillDefinition | null {
  const change = changeOf(given, complain);
  if (change === null) return null;
  const { table, key = null, where, verify = null } = given;
  return { name, table, key, where, change, verify, limits: limitsOf(given.limits ?? {}), required: given.required ?? false };
}

function changeOf({ set, statement, function: file }: Entry, complain: Complain): BackfillChange | null {
  const given = [set, statement, file].filter((one) => one !== undefined);
  if (given.length !== 1) {
    complain([], given.length === 0 ? 'needs `set`, `statement` or `function`' : 'has more than one of `set`, `statement` and `function`; keep one');
    return null;
  }
  if (set !== undefined && Object.keys(set).length === 0) complain(['set'], 'names no column');
  if (statement !== undefined && !statement.includes('${batch}'))
    complain(['statement'], 'has no ${batch}: it would change all rows with every batch; write ... WHERE id IN (${batch})');
  if (set !== undefined) return { kind: 'set', columns: set };
  return statement === undefined ? { kind: 'function', file: orElse(file, '') } : { kind: 'statement', sql: statement };
}

function limitsOf(given: NonNullable<Entry['limits']>): BackfillLimits {
  const usual = DEFAULT_LIMITS;
  return {
    transactionMs: orElse(given.transaction, usual.transactionMs),
    mostRowsPerBatch: orElse(given.rows, usual.mostRowsPerBatch),
    nice: orElse(given.nice, usual.nice),
    mostQuarantined: orElse(given.quarantine, usual.mostQuarantined),
    lockTimeoutMs: orElse(given['lock-timeout'], usual.lockTimeoutMs),
    mostMs: orElse<number | null>(given.most, null),
    health: {
      lockWaiters: orElse(given['lock-waiters'], usual.health.lockWaiters),
      activeSessions: orElse(given['active-sessions'], usual.health.activeSessions),
      replicaLagMs: orElse(given['replica-lag'], usual.health.replicaLagMs),
      replicaLagBytes: orElse(given['replica-bytes'], usual.health.replicaLagBytes),
      keptWalBytes: orElse(given['kept-wal'], usual.health.keptWalBytes),
      deadRows: orElse(given['dead-rows'], usual.health.deadRows),
      latency: orElse(given.latency, usual.health.latency),
      freeDiskBytes: orElse(given['free-disk'], usual.health.freeDiskBytes),
      transactionAge: usual.health.transactionAge,
    },
  };
}
