import { dirname, resolve } from 'node:path';
import {
  declaredFormat,
  FORMAT_NAMES,
  pipedSql,
  printWith,
  readSources,
  usualFolders,
  type FolderRequest,
  type FormatName,
  type SourceFile,
} from '../../../database/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import { many, text, type Call } from '../spec.ts';
import { configOf } from './app.ts';

/** Migrations as they were understood, and whether Slipway applies them. */
export interface MigrationSources extends Judged {
  readonly format: FormatName;
  readonly files: readonly SourceFile[];
}

/** Files of a folder, or SQL that comes from elsewhere. */
export async function migrationSources(call: Call): Promise<MigrationSources> {
  const [given, ...command] = call.args.filter((one) => one !== undefined);
  if (given === '-') {
    const printed = command.length === 0 ? await readStdin() : await printWith(command, call.directory);
    const name = command.length === 0 ? 'stdin' : (command[0] ?? '');
    return { path: call.directory, format: 'printed', applied: false, files: [pipedSql(printed, name)] };
  }
  if (command.length > 0)
    throw new SlipwayError('usage', 'A command that prints SQL stands in the place of a folder', {
      hint: 'Write: slipway db lint - -- COMMAND.',
    });
  const printing = given === undefined ? await configuredPrint(call) : null;
  if (printing !== null) {
    const { argv, directory } = printing;
    const files = [pipedSql(await printWith(argv, directory), argv[0] ?? '')];
    return { path: directory, format: 'printed', applied: false, files };
  }
  const { path, format, applied } = await whatToJudge(call);
  return { path, applied, ...(await readSources(path, format, defines(call), true)) };
}

async function readStdin(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

interface Judged {
  readonly path: string;
  readonly format: FormatName | null;
  /** It is the folder that Slipway applies. */
  readonly applied: boolean;
}

async function whatToJudge(call: Call): Promise<Judged> {
  const format = FORMAT_NAMES.find((name) => name === text(call, 'format')) ?? null;
  const [given] = call.args;
  if (given !== undefined) return { path: resolve(call.directory, given), format, applied: false };
  const configured = await configuredFolder(call);
  if (configured !== null) return { path: configured.directory, format: format ?? (await declaredFormat(configured)), applied: true };
  return { path: resolve(call.directory, await onlyUsualFolder(call)), format, applied: false };
}

/** `database.migrations` of slipway.yaml; null where there is no slipway.yaml, or none in it. */
async function configuredFolder(call: Call): Promise<FolderRequest | null> {
  const config = await configIfAny(call);
  const { migrations = null, history } = config?.definition.database ?? {};
  if (config === null || migrations === null) return null;
  return { directory: resolve(dirname(config.file), migrations), ...(history === undefined ? {} : { history }) };
}

/** `database.print` of slipway.yaml, likewise. */
async function configuredPrint(call: Call): Promise<{ readonly argv: readonly string[]; readonly directory: string } | null> {
  const config = await configIfAny(call);
  const argv = config?.definition.database?.print;
  return config === null || argv === undefined ? null : { argv, directory: dirname(resolve(call.directory, config.file)) };
}

async function configIfAny(call: Call): Promise<Awaited<ReturnType<typeof configOf>> | null> {
  try {
    return await configOf(call);
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'config_missing' && call.config === null) return null;
    throw error;
  }
}

/** A project that is not set up for Slipway yet should not have to be, to have its migrations judged. */
async function onlyUsualFolder(call: Call): Promise<string> {
  const found = await usualFolders(call.directory);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  throw new SlipwayError(
    'usage',
    found.length === 0
      ? 'No slipway.yaml names database.migrations, and no folder of migrations was found'
      : `No slipway.yaml names database.migrations, and migrations may be in ${found.join(', ')}`,
    { hint: 'Name the folder behind the command.' },
  );
}

export function defines(call: Call): ReadonlyMap<string, string> {
  return new Map(
    many(call, 'define').map((one) => {
      const at = one.indexOf('=');
      if (at <= 0) throw new SlipwayError('usage', `--define ${one} has no value`, { hint: 'Write --define NAME=VALUE.' });
      return [one.slice(0, at).trim(), one.slice(at + 1)];
    }),
  );
}

/** From the named migration on; all when none is named. @throws SlipwayError `usage` when there is none of that name */
export function fromMigration<T extends { readonly name: string }>(files: readonly T[], name: string | undefined): readonly T[] {
  if (name === undefined) return files;
  const from = files.findIndex((file) => file.name === name || file.name.startsWith(name));
  if (from < 0)
    throw new SlipwayError('usage', `--since ${name}: there is no such migration`, { hint: 'Give its name, or the beginning of it.' });
  return files.slice(from);
}
