import { relative, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { ERRORS, isJsonObject, joinVerdicts, messageOf, SlipwayError } from '../../kernel/index.ts';
import {
  lintFiles,
  MEASURED,
  measuredVersion,
  RULES,
  pendingFiles,
  readCatalog,
  type DatabaseAccess,
  type FormatName,
  type JudgedFiles,
  type LintedFile,
  type LintOptions,
  type Schema,
  type SourceFile,
  type TableSize,
  type TransactionMode,
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
  const { options, schema } = await knowledge(call, access);
  const chosen = await pending(call, access, { path, format, files });
  const all = await lintFiles({
    files: chosen.map((file) => ({ ...file, ...(applied ? BY_SLIPWAY : {}), transactions: mode(call) ?? file.transactions })),
    defines: defines(call),
    options,
    limited: applied || format === 'slipway',
    strict: flag(call, 'strict'),
    // Slipway gives each file a transaction of its own.
    ...(applied ? {} : together(call, chosen, { access, format })),
    ...(schema === null ? {} : { schema }),
  });
  const linted = access === null ? fromMigration(all, text(call, 'since')) : all;
  // No pending migration is no reason to worry, but it must be the database that says so.
  const verdict = linted.length === 0 && access !== null ? 'pass' : joinVerdicts(linted.map((file) => file.verdict));
  show(call, { path, format, postgres: options.version, measuredOn: measuredVersion(options.version), verdict, files: linted });
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

/** It sends files to the server as they are, whose ever they are. */
const BY_SLIPWAY = { readsAs: 'sql' } as const;

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

/** What is known of the database: from its catalog when it is asked, from options, or nothing. */
async function knowledge(
  call: Call,
  access: DatabaseAccess | null,
): Promise<{ readonly options: LintOptions; readonly schema: Schema | null }> {
  const given = await sizes(call);
  if (access === null) return { options: { ...version(call, null), utc: null, sizes: given }, schema: null };
  const { version: major, minor, utc, path, sizes: measured, schema } = await readCatalog(access);
  return { options: { ...version(call, { version: major, minor }), utc, path, sizes: new Map([...measured, ...given]) }, schema };
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

type Version = Pick<LintOptions, 'version' | 'minor'>;

function version(call: Call, server: Version | null): Version {
  const given = text(call, 'postgres');
  if (given === undefined) return server ?? { version: MEASURED.newest };
  const [major = '', minor] = given.split('.', 2);
  // Of a version newer than any measured one, what the newest does is the best that is known.
  const version = wholeNumber('--postgres', major, [MEASURED.oldest, 99]);
  return minor === undefined ? { version } : { version, minor: wholeNumber('--postgres', minor, [0, 99]) };
}

async function sizes(call: Call): Promise<ReadonlyMap<string, TableSize>> {
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
