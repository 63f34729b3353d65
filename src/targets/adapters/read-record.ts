import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { KeeperRecord } from './keeper-record.ts';
import { parseOrRefuse } from './process-store.ts';

const ref = z.strictObject({ pid: z.int(), startTicks: z.int() });
const exit = z.strictObject({ code: z.int().nullable(), signal: z.string().nullable(), at: z.number(), reason: z.string().nullable() });

const schema: z.ZodType<KeeperRecord> = z.strictObject({
  schema: z.literal('slipway.instance/1'),
  group: z.string(),
  process: z.string(),
  index: z.int(),
  identity: z.string(),
  graceMs: z.number(),
  run: z.int(),
  port: z.int().nullable(),
  startedAt: z.number(),
  boot: z.string(),
  keeper: ref.nullable(),
  child: ref.nullable(),
  exit: exit.nullable(),
  previousExit: exit.nullable(),
});

/** Apart from the record itself because keepers only write: without the parser each of them is several MB lighter. */
export function readRecord(file: string): KeeperRecord {
  return parseOrRefuse(file, readFileSync(file, 'utf8'), schema);
}
