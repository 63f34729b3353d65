import { stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Where migration tools put migrations, as their documentation has it. */
const USUAL: readonly string[] = [
  'migrations',
  'db/migrations',
  'db/migrate',
  'database/migrations',
  'sql/migrations',
  'src/migrations',
  'src/db/migrations',
  'prisma/migrations',
  'drizzle',
  'alembic',
  'supabase/migrations',
  'priv/repo/migrations',
  'src/main/resources/db/migration',
  'src/main/resources/db/changelog',
];

/** The folders of a project in which migrations usually are, as far as they are there. */
export async function usualFolders(directory: string): Promise<readonly string[]> {
  const there = await Promise.all(
    USUAL.map(async (folder) => (await stat(join(directory, folder)).catch(() => null))?.isDirectory() === true),
  );
  return USUAL.filter((_, index) => there[index] === true);
}
