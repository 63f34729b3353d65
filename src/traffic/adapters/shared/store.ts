import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SlipwayError, messageOf } from '../../../kernel/index.ts';
import type { RouteSpec } from '../../ports.ts';
import { routeSpecSchema } from '../../wire.ts';

/** What the router must still know after a restart. */
export interface DesiredState {
  readonly routes: readonly RouteSpec[];
  /** Highest fence seen per route id; kept after the route is removed, so a stale worker cannot bring it back. */
  readonly fences: Readonly<Record<string, number>>;
}

const fileSchema = z.strictObject({
  format: z.literal(1),
  routes: z.array(routeSpecSchema),
  fences: z.record(z.string(), z.number().int().nonnegative()),
});

/** The file's name inside the router's directory. */
const FILE = 'routes.json';

/**
 * Reads the desired state; empty when the file was never written.
 * @throws SlipwayError `state_corrupt` for anything that is not a complete file of this format
 */
export async function readState(directory: string): Promise<DesiredState> {
  const file = join(directory, FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return { routes: [], fences: {} };
  try {
    const { routes, fences } = fileSchema.parse(JSON.parse(text));
    return { routes, fences };
  } catch (cause) {
    const hint = `Set the file aside (mv routes.json routes.json.broken) and release again, or restore it from a backup.`;
    throw new SlipwayError('state_corrupt', `The router's state in ${file} cannot be read: ${z.prettifyError(asZodError(cause))}`, {
      hint,
      cause,
    });
  }
}

/**
 * Replaces the desired state so that a crash at any instant leaves the old or the new file, never half of one.
 * @throws SlipwayError `disk_full`; then the old file is still in place
 */
export async function writeState(directory: string, state: DesiredState): Promise<void> {
  const file = join(directory, FILE);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeSynced(`${file}.new`, `${JSON.stringify({ format: 1, ...state }, null, 2)}\n`);
    await rename(`${file}.new`, file);
    await syncFolder(directory);
  } catch (cause) {
    const full = cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
    throw full ? new SlipwayError('disk_full', `There is no room left to write ${file}`, { cause }) : cause;
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the rename itself durable. */
async function syncFolder(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function asZodError(cause: unknown): z.core.$ZodError {
  return cause instanceof z.ZodError ? cause : new z.ZodError([{ code: 'custom', path: [], message: messageOf(cause), input: undefined }]);
}
