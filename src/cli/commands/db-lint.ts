import { dirname, relative, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { ERRORS, isJsonObject, joinVerdicts, messageOf, SlipwayError } from '../../kernel/index.ts';
import {
  FORMAT_NAMES,
  lintFiles,
  MEASURED,
  measuredVersion,
  openAccess,
  printedSql,
  printWith,
  RULES,
  pendingFiles,
  readCatalog,
  readSources,
  type FormatName,
  type DatabaseAccess,
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
import { configOf } from './shared/app.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Judges migrations from their text; asks a database only when one is named, and only its catalog. */
export const run: Handler = async (call) => {
  const access = database(call);
  const { path, format, files } = await sources(call);
  const { options, schema } = await knowledge(call, access);
  const chosen = await pending(call, files, { access, format });
  const all = await lintFiles({
    files: chosen.map((file) => ({ ...file, transactions: mode(call) ?? file.transactions })),
    options,
    limited: format === 'slipway',
    strict: flag(call, 'strict'),
    ...(schema === null ? {} : { schema }),
  });
  const linted = access === null ? since(all, text(call, 'since')) : all;
  // No pending migration is no reason to worry, but it must be the database that says so.
  const verdict = linted.length === 0 && access !== null ? 'pass' : joinVerdicts(linted.map((file) => file.verdict));
  show(call, { path, format, postgres: options.version, measuredOn: measuredVersion(options.version), verdict, files: linted });
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

/** Files of a folder, or SQL that comes from elsewhere. */
async function sources(call: Call): Promise<{ readonly path: string; readonly format: FormatName; readonly files: readonly SourceFile[] }> {
  const [given, ...command] = call.args.filter((one) => one !== undefined);
  if (given === '-') {
    const printed = command.length === 0 ? await readStdin() : await printWith(command, call.directory);
    const name = command.length === 0 ? 'stdin' : (command[0] ?? '');
    return { path: call.directory, format: 'printed', files: [printedSql(printed, name)] };
  }
  if (command.length > 0)
    throw new SlipwayError('usage', 'A command that prints SQL stands in the place of a folder', {
      hint: 'Write: slipway db lint - -- COMMAND.',
    });
  const { path, format } = await whatToJudge(call);
  return { path, ...(await readSources(path, format, defines(call))) };
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

/** What is known of the database: from its catalog when it is asked, from options, or nothing. */
async function knowledge(
  call: Call,
  access: DatabaseAccess | null,
): Promise<{ readonly options: LintOptions; readonly schema: Schema | null }> {
  const given = await sizes(call);
  if (access === null) return { options: { version: version(call, null), utc: null, sizes: given }, schema: null };
  const { version: server, utc, sizes: measured, schema } = await readCatalog(access);
  return { options: { version: version(call, server), utc, sizes: new Map([...measured, ...given]) }, schema };
}

/** With a database, what it has applied is in its catalog already, and only the rest is judged. */
async function pending(
  call: Call,
  files: readonly SourceFile[],
  { access, format }: { readonly access: DatabaseAccess | null; readonly format: FormatName },
): Promise<readonly SourceFile[]> {
  const directed = files.filter(({ direction }) => direction === 'up' || flag(call, 'down'));
  if (access === null) return directed;
  const name = text(call, 'since');
  if (name !== undefined) return since(directed, name);
  const rest = await pendingFiles(access, format, directed);
  if (rest === null)
    throw new SlipwayError('usage', `The database has no history of ${format}, so which migrations are pending is not known`, {
      hint: 'Say with --since from which one on to judge; those before it are taken as applied.',
    });
  return rest;
}

function mode(call: Call): TransactionMode | null {
  return (text(call, 'transactions') as TransactionMode | undefined) ?? null;
}

/** A URL, or better the name of the variable that holds one: an argument is seen by everybody on the machine. */
function database(call: Call): DatabaseAccess | null {
  const given = text(call, 'database');
  if (given === undefined) return null;
  const url = given.includes('://') ? given : call.environment[given];
  if (url === undefined)
    throw new SlipwayError('secret_missing', `--database ${given}: there is no such variable`, {
      hint: 'Give a URL, or the name of a variable that holds one.',
    });
  call.secrets.add([url]);
  return openAccess(url);
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

async function whatToJudge(call: Call): Promise<{ readonly path: string; readonly format: FormatName | null }> {
  const format = FORMAT_NAMES.find((name) => name === text(call, 'format')) ?? null;
  const [given] = call.args;
  if (given !== undefined) return { path: resolve(call.directory, given), format };
  const { definition, file } = await configOf(call);
  const folder = definition.database?.migrations ?? null;
  if (folder === null)
    throw new SlipwayError('usage', 'There is no database.migrations in slipway.yaml, and no folder was named', {
      hint: 'Name the folder: slipway db lint FOLDER.',
    });
  return { path: resolve(dirname(file), folder), format: format ?? 'slipway' };
}

function version(call: Call, server: number | null): number {
  const given = text(call, 'postgres');
  // Of a version newer than any measured one, what the newest does is the best that is known.
  if (given !== undefined) return wholeNumber('--postgres', given, [MEASURED.oldest, 99]);
  return server ?? MEASURED.newest;
}

function defines(call: Call): ReadonlyMap<string, string> {
  return new Map(
    many(call, 'define').map((one) => {
      const at = one.indexOf('=');
      if (at <= 0) throw new SlipwayError('usage', `--define ${one} has no value`, { hint: 'Write --define NAME=VALUE.' });
      return [one.slice(0, at).trim(), one.slice(at + 1)];
    }),
  );
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

/** From the named migration on. */
function since<T extends { readonly name: string }>(files: readonly T[], name: string | undefined): readonly T[] {
  if (name === undefined) return files;
  const from = files.findIndex((file) => file.name === name || file.name.startsWith(name));
  if (from < 0)
    throw new SlipwayError('usage', `--since ${name}: there is no such migration`, { hint: 'Give its name, or the beginning of it.' });
  return files.slice(from);
}
