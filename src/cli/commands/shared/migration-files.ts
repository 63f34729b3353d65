import { dirname, resolve } from 'node:path';
import { FORMAT_NAMES, printedSql, printWith, readSources, type FormatName, type SourceFile } from '../../../database/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import { many, text, type Call } from '../spec.ts';
import { configOf } from './app.ts';

/** Files of a folder, or SQL that comes from elsewhere. */
export async function migrationSources(
  call: Call,
): Promise<{ readonly path: string; readonly format: FormatName; readonly files: readonly SourceFile[] }> {
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

function defines(call: Call): ReadonlyMap<string, string> {
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
