import { readFile } from 'node:fs/promises';
import { SlipwayError } from '../../kernel/index.ts';
import { z } from 'zod';
import { EMPTY_STATE, type SupervisorState } from '../core/state.ts';
import { firstIssue, groupSpecSchema } from '../schema.ts';
import { writeAtomic } from './atomic-file.ts';
import { createQueue } from './queue.ts';

const memory = z.strictObject({
  process: z.string(),
  index: z.int(),
  identity: z.string(),
  port: z.int().nullable(),
  everReady: z.boolean(),
  gaveUp: z.boolean(),
  settledRun: z.int(),
  // Files of builds that did not remember these: nothing is known, so the first probe decides.
  readyRun: z.int().default(0),
  healthyRun: z.int().default(0),
});

const group = z.strictObject({
  spec: groupSpecSchema,
  removing: z.boolean(),
  stopAt: z.number().nullable().default(null),
  instances: z.array(memory),
});

const schema: z.ZodType<SupervisorState> = z.strictObject({
  schema: z.literal('slipway.groups/1'),
  fences: z.record(z.string(), z.number()),
  groups: z.record(z.string(), group),
});

/** Durable desired state. What `state` answers has always reached the disk. */
export interface ProcessStore {
  state(): SupervisorState;
  /** Applies a pure change; changes run one after another. A change that answers the same object writes nothing. */
  update(change: (state: SupervisorState) => SupervisorState): Promise<void>;
}

/** @throws SlipwayError `state_corrupt` naming the file; nothing is ever taken for an empty state but a missing file */
export async function openProcessStore(file: string): Promise<ProcessStore> {
  let state = await readState(file);
  const queue = createQueue();
  return {
    state: () => state,
    update: (change) =>
      queue(async () => {
        const next = change(state);
        if (next === state) return;
        await writeAtomic(file, `${JSON.stringify(next, null, 1)}\n`);
        state = next;
      }),
  };
}

async function readState(file: string): Promise<SupervisorState> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_STATE;
    throw error;
  }
  return parseOrRefuse(file, text, schema);
}

/** Parses a state file of ours. @throws SlipwayError `state_corrupt` naming the file and the first thing wrong */
export function parseOrRefuse<T>(file: string, text: string, shape: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SlipwayError('state_corrupt', `${file} is not JSON`, { cause: error });
  }
  const parsed = shape.safeParse(json);
  if (!parsed.success) throw new SlipwayError('state_corrupt', `${file} does not hold what it should: ${firstIssue(parsed.error)}`);
  return parsed.data;
}
