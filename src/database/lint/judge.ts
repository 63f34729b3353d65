import { MEASURED } from '../core/lint/measured-facts.ts';
import type { LintOptions } from '../core/lint/types.ts';
import type { DatabaseAccess } from '../ports.ts';
import type { JudgedFiles } from './applied.ts';
import { readCatalog } from './catalog.ts';
import { lintFiles, type LintedFile, type LintRequest } from './lint.ts';

/** A version of PostgreSQL, with its second number where that is known. */
export type PostgresVersion = Pick<LintOptions, 'version' | 'minor'>;

/** Why files were judged for a version: somebody said so, the database was asked, or neither, and it is the newest that was measured. */
export type VersionFrom = 'given' | 'database' | 'assumed';

/** Files to judge, and what is said of the database that they are for. */
export interface JudgeRequest
  extends Pick<JudgedFiles, 'format' | 'files'>, Pick<LintRequest, 'defines' | 'strict' | 'together'>, Pick<LintOptions, 'sizes'> {
  /** Null: no database is asked. */
  readonly access: DatabaseAccess | null;
  /** Slipway applies them: as they are, whose ever they are, each in a transaction of its own and with its own limits. */
  readonly applied: boolean;
  /** Null: what the database says. */
  readonly postgres: PostgresVersion | null;
}

/** What was found, and for which version. */
export interface JudgedForVersion {
  readonly files: readonly LintedFile[];
  /** Major version. */
  readonly postgres: number;
  readonly postgresFrom: VersionFrom;
}

/**
 * Judges files by the catalog of a database, by what is said of it, or by their text alone. What is said comes before what the database
 * says. Changes nothing.
 * @throws SlipwayError `database_unreachable`, `database_refused`
 */
export async function judgeFiles(request: JudgeRequest): Promise<JudgedForVersion> {
  const { access, applied, format, files, sizes, postgres, ...rest } = request;
  const catalog = access === null ? null : await readCatalog(access);
  const { version, minor } = postgres ?? catalog ?? { version: MEASURED.newest };
  const known =
    catalog === null ? { utc: null, sizes } : { utc: catalog.utc, path: catalog.path, sizes: new Map([...catalog.sizes, ...sizes]) };
  const linted = await lintFiles({
    ...rest,
    files: applied ? files.map((file) => ({ ...file, readsAs: 'sql' })) : files,
    limited: applied || format === 'slipway',
    options: { version, ...(minor === undefined ? {} : { minor }), ...known },
    ...(catalog === null ? {} : { schema: catalog.schema }),
  });
  return { files: linted, postgres: version, postgresFrom: fromOf(postgres, access) };
}

function fromOf(postgres: PostgresVersion | null, access: DatabaseAccess | null): VersionFrom {
  if (postgres !== null) return 'given';
  return access === null ? 'assumed' : 'database';
}
