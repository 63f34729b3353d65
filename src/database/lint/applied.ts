import type pg from 'pg';
import { withClient } from '../access.ts';
import { readHistory } from '../history.ts';
import { findTable } from '../histories/choose.ts';
import type { ToolHistory } from '../histories/ports.ts';
import { pendingOf } from '../histories/programs.ts';
import { baseOf } from '../histories/shared.ts';
import { TOOLS } from '../histories/tools.ts';
import type { DatabaseAccess } from '../ports.ts';
import { openFolder } from './folder.ts';
import { programsIn } from './formats-code.ts';
import type { FormatName, SourceFile } from './ports.ts';

/** Files of a folder, in the shape of a tool. */
export interface JudgedFiles {
  readonly path: string;
  readonly format: FormatName;
  readonly files: readonly SourceFile[];
}

/**
 * Leaves out what the tool's own history table says is applied. Null when the database has no such table: then nothing is known of it.
 * @throws SlipwayError `database_unreachable`, `database_refused`
 */
export async function pendingFiles(access: DatabaseAccess, judged: JudgedFiles): Promise<readonly SourceFile[] | null> {
  const { path, format, files } = judged;
  return withClient(access, 'linting', async (client) => {
    // Slipway makes its table with the first migration it applies.
    if (format === 'slipway') return withoutApplied(client, files);
    const tool = TOOLS.find(({ name }) => name === format);
    if (tool !== undefined) return pendingOfTool(client, tool, judged);
    const named = files.map((file) => ({ name: file.name, path: `${path}/${file.name}`, file }));
    const program = format === 'printed' ? ((await programsIn(await openFolder(path)))?.tool ?? format) : format;
    return (await pendingOf(client, program, named))?.map(({ file }) => file) ?? null;
  });
}

async function withoutApplied(client: pg.Client, files: readonly SourceFile[]): Promise<readonly SourceFile[]> {
  const rows = new Map((await readHistory(client)).map((row) => [row.name, row.finished]));
  return files.flatMap((file) => {
    const finished = rows.get(baseOf(file.name).replace(/(?:\.up|\.down)?\.sql$/, ''));
    if (finished === true) return [];
    // Of one that stopped in the middle some is there already, and is not run again.
    return [finished === undefined ? file : { ...file, conditional: true as const }];
  });
}

async function pendingOfTool(client: pg.Client, tool: ToolHistory, { path, files }: JudgedFiles): Promise<readonly SourceFile[] | null> {
  const table = await findTable(client, tool);
  if (table === null) return null;
  const folder = await openFolder(path);
  const read = await Promise.all(files.map((file) => tool.identify(file.name, Buffer.from(file.text), folder)));
  const settled = (await tool.settle?.(client, table, read, false)) ?? read;
  const named = files.flatMap((file, index) => {
    const [entry, known] = [read[index], settled[index]];
    return entry === undefined ? [] : [{ file, entry: typeof known === 'object' ? known : entry }];
  });
  const recorded = await tool.read(
    client,
    table,
    named.map(({ entry }) => entry),
  );
  const applied = new Map(recorded.filter((one) => one.broken === null).map((one) => [one.key, one.checksum]));
  const changed = ({ key, checksums }: (typeof named)[number]['entry']): boolean => !checksums.includes(applied.get(key) ?? '');
  return named.filter(({ entry }) => !applied.has(entry.key) || (entry.repeatable && changed(entry))).map(({ file }) => file);
}
