import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, SlipwayError } from '../../kernel/index.ts';
import { compareSurface, surfaceVerdict } from '../core/surfaces/compare.ts';
import type { Claims, RealSchema, SurfaceDifference } from '../core/surfaces/types.ts';
import type { DatabaseAccess } from '../ports.ts';
import { claimsOfDump, loadDump } from './dump.ts';
import { findSurfaces, kindOf } from './find.ts';
import type { FoundSurface, SurfaceAnswer } from './ports.ts';
import { readClaims } from './read.ts';
import { readRealSchema } from './real.ts';
import { askSqlc } from './sqlc.ts';

export interface SurfacesRequest {
  /** Folder of the source. */
  readonly root: string;
  /** Files to look at, relative to it; null: those that are found. */
  readonly named: readonly string[] | null;
  /** A database with the schema to be in step with. */
  readonly schema: DatabaseAccess;
  /** Makes an empty database for a dump to be loaded into. */
  readonly empty: (name: string) => Promise<DatabaseAccess>;
}

/** Compares each file that follows the schema with the schema. Changes nothing but the databases it is given. */
export async function checkSurfaces(request: SurfacesRequest): Promise<readonly SurfaceAnswer[]> {
  const found = request.named === null ? await findSurfaces(request.root) : await namedSurfaces(request.root, request.named);
  if (found.length === 0) return [];
  const real = await readRealSchema(request.schema);
  const answers: SurfaceAnswer[] = [];
  for (const [index, one] of found.entries()) answers.push(await check({ ...request, real, found, number: index + 1 }, one));
  return answers;
}

async function namedSurfaces(root: string, files: readonly string[]): Promise<readonly FoundSurface[]> {
  return Promise.all(
    files.map(async (file) => {
      const kind = await kindOf(root, file).catch(() => null);
      // Whoever names a file of SQL says that it is a dump.
      return { file, kind: kind ?? (file.endsWith('.sql') ? ('sql' as const) : null) };
    }),
  );
}

interface Checking extends SurfacesRequest {
  readonly real: RealSchema;
  readonly found: readonly FoundSurface[];
  readonly number: number;
}

async function check(checking: Checking, { file, kind }: FoundSurface): Promise<SurfaceAnswer> {
  const unknown = (reason: string): SurfaceAnswer => ({ file, kind, verdict: 'unknown', reason, differences: [] });
  if (kind === null) return unknown('it is nothing that is known to follow a schema');
  try {
    const text = await readFile(join(checking.root, file), 'utf8');
    if (kind === 'sqlc') return { file, kind, ...(await askSqlc(checking.schema, join(checking.root, file), text)) };
    const claims =
      kind === 'sql'
        ? await claimsOf(checking, text, file)
        : await readClaims(kind, { file, text, beside: await besideOf(checking, file) });
    if (typeof claims === 'string') return unknown(claims);
    const differences = compareSurface(claims, checking.real);
    return { file, kind, verdict: surfaceVerdict(claims, differences), reason: reasonOf(claims, differences), differences };
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'database_unreachable') throw error;
    return unknown(messageOf(error));
  }
}

/** A schema of Prisma may be split into the files of one folder. */
async function besideOf({ root, found }: Checking, file: string): Promise<readonly string[]> {
  const others = found.filter((one) => one.kind === 'prisma' && one.file !== file && dirname(one.file) === dirname(file));
  return Promise.all(others.map((one) => readFile(join(root, one.file), 'utf8')));
}

async function claimsOf({ empty, number }: Checking, text: string, file: string): Promise<Claims> {
  const database = await empty(`dump_${number}`);
  const loaded = await loadDump(database, text, file);
  return claimsOfDump(loaded, await readRealSchema(database));
}

function reasonOf({ tables: all, enums, unclear }: Claims, differences: readonly SurfaceDifference[]): string {
  const tables = all.filter(({ guessed }) => guessed !== true);
  const wrong = differences.filter(({ weight }) => weight === 'wrong');
  const [first] = wrong;
  if (first !== undefined) return wrong.length === 1 ? first.what : `${wrong.length} differences; the first: ${first.what}`;
  const [odd] = unclear;
  if (odd !== undefined) return `line ${odd.line}: ${odd.what}`;
  if (tables.length + enums.length === 0) return 'it names no table';
  return `${tables.length} tables${enums.length === 0 ? '' : ` and ${enums.length} enums`} as in the database`;
}
