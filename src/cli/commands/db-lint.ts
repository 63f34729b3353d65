import { relative, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { ERRORS, isJsonObject, joinVerdicts, messageOf, SlipwayError } from '../../kernel/index.ts';
import {
  judgeFiles,
  MEASURED,
  measuredVersion,
  RULES,
  pendingFiles,
  type DatabaseAccess,
  type FormatName,
  type JudgedFiles,
  type LintedFile,
  type PostgresVersion,
  type SourceFile,
  type TableSize,
  type TransactionMode,
  type VersionFrom,
} from '../../database/index.ts';
import { githubAnnotations } from '../output/annotations.ts';
import { countOf, renderLint } from '../output/lint.ts';
import { sarif } from '../output/sarif.ts';
import { namedDatabase } from './shared/database.ts';
import { defines, fromMigration, migrationSources } from './shared/migration-files.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Judges migrations from their text; asks a database only when one is named, and only its catalog. */
export const run: Handler = async (call) => {
  const access = namedDatabase(call, 'database');
  const { path, format, files, applied } = await migrationSources(call);
  const [postgres, sizes] = [version(call), await givenSizes(call)];
  const chosen = await pending(call, access, { path, format, files });
  const judged = await judgeFiles({
    access,
    format,
    files: chosen.map((file) => ({ ...file, transactions: mode(call) ?? file.transactions })),
    applied,
    postgres,
    sizes,
    defines: defines(call),
    strict: flag(call, 'strict'),
    // Slipway gives each file a transaction of its own.
    ...(applied ? {} : together(call, chosen, { access, format })),
  });
  const linted = access === null ? fromMigration(judged.files, text(call, 'since')) : judged.files;
  // No pending migration is no reason to worry, but it must be the database that says so.
  const verdict = linted.length === 0 && access !== null ? 'pass' : joinVerdicts(linted.map((file) => file.verdict));
  show(call, { ...judged, path, format, measuredOn: measuredVersion(judged.postgres), verdict, files: linted });
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

/** Drizzle applies everything that is pending in one transaction; what that is, the database or --since says. */
function together(
  call: Call,
  files: readonly SourceFile[],
  { access, format }: { readonly access: DatabaseAccess | null; readonly format: FormatName },
): { readonly together?: number } {
  if (format !== 'drizzle' || mode(call) !== null) return {};
  if (access !== null) return { together: 0 };
  return text(call, 'since') === undefined ? {} : { together: files.length - fromMigration(files, text(call, 'since')).length };
}

/** With a database, what it has applied is in its catalog already, and only the rest is judged. */
async function pending(call: Call, access: DatabaseAccess | null, { path, format, files }: JudgedFiles): Promise<readonly SourceFile[]> {
  const directed = files.filter(({ direction }) => direction === 'up' || flag(call, 'down'));
  if (access === null) return directed;
  const name = text(call, 'since');
  if (name !== undefined) return fromMigration(directed, name);
  const rest = await pendingFiles(access, { path, format, files: directed });
  if (rest === null)
    throw new SlipwayError(
      'usage',
      `The database does not say which of these migrations (${format}) are applied, so which are pending is not known`,
      {
        hint: 'Say with --since from which one on to judge; those before it are taken as applied.',
      },
    );
  return rest;
}

function mode(call: Call): TransactionMode | null {
  return (text(call, 'transactions') as TransactionMode | undefined) ?? null;
}

/** A run of the linter as it is shown. */
export interface Linted {
  readonly path: string;
  readonly format: string;
  readonly postgres: number;
  readonly postgresFrom: VersionFrom;
  /** The version whose facts were used. */
  readonly measuredOn: number;
  readonly verdict: 'pass' | 'fail' | 'unknown';
  readonly files: readonly LintedFile[];
}

function show(call: Call, linted: Linted): void {
  const { terminal } = call;
  const shown = { ...linted, path: relative(call.directory, linted.path) || '.' };
  switch (text(call, 'report')) {
    case 'sarif':
      return terminal.say(JSON.stringify(sarif(shown), null, 2));
    case 'github':
      return terminal.say(githubAnnotations(shown));
    default:
  }
  if (terminal.json) terminal.data({ ...shown, counts: countOf(shown), rules: rulesOf(shown), files: shown.files.map(asDocument) });
  else terminal.say(renderLint(shown, { notices: flag(call, 'notices'), style: terminal.style }));
}

/** Why a rule matters is told once, not with each finding. */
function asDocument({ name, direction, verdict, findings, claims }: LintedFile): unknown {
  const short = findings.map(({ rule, category, severity, certainty, message, fix, relation, line, column, allowed }) => ({
    rule,
    category,
    severity,
    certainty,
    message,
    fix,
    relation,
    line,
    column,
    allowed,
  }));
  return { name, direction, verdict, findings: short, claims };
}

/** The rules that are broken, with why they matter. */
function rulesOf({ files }: Linted): unknown {
  const broken = new Set(files.flatMap(({ findings }) => findings.map(({ rule }) => rule)));
  return Object.fromEntries([...broken].map((rule) => [rule, RULES[rule].why]));
}

function version(call: Call): PostgresVersion | null {
  const given = text(call, 'postgres');
  if (given === undefined) return null;
  const [major = '', minor] = given.split('.', 2);
  // Of a version newer than any measured one, what the newest does is the best that is known.
  const version = wholeNumber('--postgres', major, [MEASURED.oldest, 99]);
  return minor === undefined ? { version } : { version, minor: wholeNumber('--postgres', minor, [0, 99]) };
}

async function givenSizes(call: Call): Promise<ReadonlyMap<string, TableSize>> {
  const file = text(call, 'statistics');
  if (file === undefined) return new Map();
  const refuse = (why: string): SlipwayError =>
    new SlipwayError('usage', `--statistics ${file}: ${why}`, { hint: 'It holds {"TABLE":{"rows":NUMBER,"bytes":NUMBER}}.' });
  let read: unknown;
  try {
    read = JSON.parse(await readFile(resolve(call.directory, file), 'utf8'));
  } catch (error) {
    throw refuse(messageOf(error));
  }
  if (!isJsonObject(read)) throw refuse('it is not a JSON object');
  return new Map(
    Object.entries(read).map(([table, size]) => {
      if (!isJsonObject(size) || typeof size['rows'] !== 'number' || typeof size['bytes'] !== 'number')
        throw refuse(`"${table}" has no rows and bytes`);
      return [table.replace(/^public\./, ''), { rows: size['rows'], bytes: size['bytes'] }];
    }),
  );
}
