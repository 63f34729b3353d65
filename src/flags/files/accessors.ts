import { accessors } from '../core/accessors.ts';
import type { FlagFiles } from '../core/files/declaration.ts';
import { namedEnvironments, resolveFiles, type Gap } from '../core/files/resolve.ts';

/** The time that flags without one are taken to be made at; it is not told. */
const origins = { createdAt: () => '1970-01-01T00:00:00.000Z' };

/** Typed accessors of all flags that files declare, in whatever environment; and what the files lack, by environment. */
export function accessorsOf(
  files: FlagFiles,
): ReturnType<typeof accessors> & { readonly gaps: readonly (Gap & { readonly environment: string })[] } {
  const named = namedEnvironments(files);
  // What no environment changes is in those that are not named.
  const resolved = ['', ...named].map((environment) => ({ environment, ...resolveFiles(files, environment, origins) }));
  const gaps = resolved.flatMap(({ environment, gaps: found }) =>
    environment === '' && named.length > 0 ? [] : found.map((gap) => ({ ...gap, environment })),
  );
  return { ...accessors(resolved.map(({ set }) => set)), gaps };
}
