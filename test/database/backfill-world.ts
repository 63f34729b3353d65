import { beforeEach } from 'vitest';
import {
  DEFAULT_LIMITS,
  type BackfillDefinition,
  type BackfillRequest,
  type BatchRecord,
  type DatabaseEffects,
} from '../../src/database/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { databaseWorld, type DatabaseWorld } from './database-world.ts';
import { effects } from './support.ts';

/** A database with people whose names are to be split. */
export interface BackfillWorld extends DatabaseWorld {
  readonly batches: BatchRecord[];
  readonly people: (count: number) => Promise<void>;
  readonly definition: (more?: Partial<BackfillDefinition>) => BackfillDefinition;
  readonly request: (more?: Partial<BackfillRequest>, definition?: Partial<BackfillDefinition>) => BackfillRequest;
}

/** Something that somebody else does while a backfill runs. */
export interface Meanwhile {
  /** Of the backfill: it does not pause for its next batch before what was begun is done, so it cannot have ended before. */
  readonly effects: DatabaseEffects;
  readonly begin: (work: Promise<unknown>) => void;
}

export function meanwhile(clock = systemClock): Meanwhile {
  let begun: Promise<unknown> = Promise.resolve();
  const sleep: typeof clock.sleep = async (ms, signal) => {
    await begun;
    await clock.sleep(ms, signal);
  };
  return { effects: { ...effects, clock: { ...clock, sleep } }, begin: (work) => void (begun = work) };
}

/** @param settings of the server, beside the usual ones */
export function backfillWorld(settings: readonly string[] = []): BackfillWorld {
  const world = databaseWorld(settings);
  const batches: BatchRecord[] = [];
  beforeEach(() => void (batches.length = 0));

  const definition = (more: Partial<BackfillDefinition> = {}): BackfillDefinition => ({
    name: 'split-names',
    table: 'people',
    key: null,
    where: 'first_name IS NULL',
    change: { kind: 'set', columns: { first_name: "split_part(name, ' ', 1)", times: 'times + 1' } },
    verify: null,
    required: false,
    limits: { ...DEFAULT_LIMITS, nice: 0, mostRowsPerBatch: 100 },
    ...more,
  });
  return {
    ...world,
    batches,
    people: async (count) => {
      await world.query(`CREATE TABLE people (id bigint PRIMARY KEY, name text NOT NULL, first_name text, times int NOT NULL DEFAULT 0);
        INSERT INTO people SELECT n, 'First' || n || ' Last', NULL FROM generate_series(1, ${count}) n`);
    },
    definition,
    request: (more = {}, of = {}) => ({
      access: world.access(),
      definition: definition(of),
      folder: world.folder(),
      workers: 1,
      effects,
      onBatch: (record) => batches.push(record),
      onProgress: (line) => world.lines.push(line),
      onWait: (why) => void (why !== null && world.lines.push(`waits: ${why}`)),
      ...more,
    }),
  };
}
