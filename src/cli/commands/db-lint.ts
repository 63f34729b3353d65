import { dirname, relative, resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { ERRORS, isJsonObject, joinVerdicts, messageOf, SlipwayError } from '../../kernel/index.ts';
import {
  FORMAT_NAMES,
  lintFiles,
  MEASURED,
  measuredVersion,
  readSources,
  type FormatName,
  type LintedFile,
  type TableSize,
  type TransactionMode,
} from '../../database/index.ts';
import { githubAnnotations } from '../output/annotations.ts';
import { countOf, renderLint } from '../output/lint.ts';
import { sarif } from '../output/sarif.ts';
import { configOf } from './shared/app.ts';
import { wholeNumber } from './shared/numbers.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Judges migrations from their text; connects to nothing. */
export const run: Handler = async (call) => {
  const { path, format: wanted } = await whatToJudge(call);
  const postgres = version(call);
  const { format, files } = await readSources(path, wanted, defines(call));
  const mode = text(call, 'transactions') as TransactionMode | undefined;
  const directed = files.filter(({ direction }) => direction === 'up' || flag(call, 'down'));
  const all = await lintFiles({
    files: mode === undefined ? directed : directed.map((file) => ({ ...file, transactions: mode })),
    options: { version: postgres, utc: null, sizes: await sizes(call) },
    limited: format === 'slipway',
    strict: flag(call, 'strict'),
  });
  const linted = since(all, text(call, 'since'));
  const verdict = joinVerdicts(linted.map((file) => file.verdict));
  show(call, { path, format, postgres, measuredOn: measuredVersion(postgres), verdict, files: linted });
  return verdict === 'pass' ? 0 : ERRORS.gate_blocked.exit;
};

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
  if (terminal.json)
    terminal.data({
      ...shown,
      counts: countOf(shown),
      files: shown.files.map(({ name, direction, verdict, findings, claims }) => ({ name, direction, verdict, findings, claims })),
    });
  else terminal.say(renderLint(shown, { notices: flag(call, 'notices'), style: terminal.style }));
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

function version(call: Call): number {
  const given = text(call, 'postgres');
  const { oldest, newest } = MEASURED;
  // Of a version newer than any measured one, what the newest does is the best that is known.
  return given === undefined ? newest : wholeNumber('--postgres', given, [oldest, 99]);
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
function since(files: readonly LintedFile[], name: string | undefined): readonly LintedFile[] {
  if (name === undefined) return files;
  const from = files.findIndex((file) => file.name === name || file.name.startsWith(name));
  if (from < 0)
    throw new SlipwayError('usage', `--since ${name}: there is no such migration`, { hint: 'Give its name, or the beginning of it.' });
  return files.slice(from);
}
