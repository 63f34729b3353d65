import { SlipwayError, type Clock } from '../../kernel/index.ts';
import type { SourceFile } from '../lint/ports.ts';
import type { DatabaseAccess } from '../ports.ts';
import { traceFiles } from '../trace/trace.ts';
import type { Shadows } from './shadows.ts';

/**
 * A shadow database with what migrations make of an empty one.
 * @throws SlipwayError `gate_blocked` when they do not run to their end
 */
export async function migratedShadow(shadows: Shadows, name: string, files: readonly SourceFile[], clock: Clock): Promise<DatabaseAccess> {
  const schema = await shadows.make(name);
  await shadows.allow(schema, files.map(({ text }) => text).join('\n'));
  const stopped = (await traceFiles(schema, files, clock)).find(({ ran }) => !ran);
  if (stopped === undefined) return schema;
  throw new SlipwayError('gate_blocked', `The migrations do not run, so there is no schema: ${stopped.name}: ${stopped.reason}`, {
    hint: 'Correct the file, or give a --server that has what it needs.',
  });
}
