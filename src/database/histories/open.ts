import type pg from 'pg';
import { SlipwayError, type Clock, type Duration } from '../../kernel/index.ts';
import { compareHistory, orderIn, type Comparison } from '../core/drift.ts';
import { historyExists, readHistory, readTexts, type StoredRow } from '../history.ts';
import type { MigrationFile } from '../migrations.ts';
import { refuseUnusable, type Migrations } from '../read-migrations.ts';
import { ident } from '../server.ts';
import { filledWithout, type Filled } from './begin.ts';
import { findTable, lookForTable } from './choose.ts';
import type { Entry, Recorded, ToolHistory } from './ports.ts';
import { brokenIn } from './settled.ts';

/** The history that is kept: a tool's, with its table quoted; or, without a tool, Slipway's own. */
export type OpenHistory = { readonly tool: ToolHistory; readonly table: string } | { readonly tool: null; readonly table: '' };

const OWN: OpenHistory = { tool: null, table: '' };

/** Folder and database side by side. */
export interface Look extends Comparison<MigrationFile & { readonly repeatable: boolean }> {
  readonly rows: readonly StoredRow[];
  /** What a tool left in the middle, with what to do; nothing may be applied on top of it. */
  readonly broken: readonly string[];
  /** Something is pending, and this is where its history would begin. */
  readonly filled: Filled | null;
}

/**
 * {@link lookAt}, for what goes up from here.
 * @throws SlipwayError `config_invalid` when a pending file cannot be run
 */
export async function lookAhead(client: pg.Client, migrations: Migrations): Promise<Look> {
  const look = await lookAt(client, migrations);
  refuseUnusable(
    migrations.shown,
    look.pending.flatMap((file) => file.unusable),
  );
  return look;
}

/** Compares the files with what the tool's table says, or without a tool Slipway's own; one that is not there says nothing. */
export async function lookAt(client: pg.Client, { tool, files: read, written, thrownAway }: Migrations): Promise<Look> {
  const own = await readHistory(client);
  const table = tool === null ? null : await findTable(client, tool);
  const files = await settle(client, { tool, table, thrownAway }, read);
  const comparable = files.map((file) => ({ ...file, repeatable: file.entry?.repeatable ?? false }));
  const recorded = tool === null || table === null ? [] : await tool.read(client, table, entriesOf(files));
  const rows = tool === null ? own : withoutDoubles([...appliedBy(tool, files, recorded), ...own.filter((row) => !row.finished)]);
  const compared = tool === null ? compareHistory(comparable, rows) : compareHistory(comparable, rows, orderIn(comparable));
  const begins = compared.pending.length > 0 && (tool === null ? !(await historyExists(client)) : table === null);
  return {
    ...compared,
    drift: [
      ...compared.drift,
      ...(tool === null
        ? []
        : [...appliedHere(tool, own, compared.pending), ...changedSince(tool, files, recorded, await readTexts(client, tool))]),
    ],
    rows,
    broken: tool === null ? [] : brokenIn(tool, files, { own, recorded }),
    filled: begins ? await filledWithout(client, tool, written) : null,
  };
}

/** What only the table can say of the files; one of which it does not say it cannot be run. */
async function settle(
  client: pg.Client,
  { tool, table, thrownAway }: Pick<Migrations, 'tool' | 'thrownAway'> & { readonly table: string | null },
  files: readonly MigrationFile[],
): Promise<readonly MigrationFile[]> {
  if (tool?.settle === undefined) return files;
  const settled = await tool.settle(client, table, entriesOf(files), thrownAway);
  let next = 0;
  return files.map((file) => {
    if (file.entry === null) return file;
    const entry = settled[next++] ?? file.entry;
    return typeof entry === 'string' ? { ...file, unusable: [...file.unusable, entry] } : { ...file, entry };
  });
}

function appliedBy(tool: ToolHistory, files: readonly MigrationFile[], recorded: readonly Recorded[]): readonly StoredRow[] {
  return recorded.filter(({ broken }) => broken === null).map((one) => rowOf(tool, files, one));
}

/** A file that is on its way is not applied, whatever a table that keeps only the newest says. */
function withoutDoubles(rows: readonly StoredRow[]): readonly StoredRow[] {
  return rows.filter((row) => !row.finished || !rows.some((other) => !other.finished && other.name === row.name));
}

/** Files that Slipway applied before it kept the tool's table. */
function appliedHere(tool: ToolHistory, own: readonly StoredRow[], pending: readonly { readonly name: string }[]): readonly string[] {
  return own
    .filter((row) => row.finished && pending.some(({ name }) => name === row.name))
    .map(
      (row) => `${row.name} is applied by slipway_history.migration and pending by ${tool.table}; enter it there as ${tool.title} would`,
    );
}

/** Files that were changed after Slipway applied them, of which the tool has no checksum yet; once it has one, that decides. */
// oxlint-disable-next-line max-params -- whose, what there is, what it says, and what we ran
function changedSince(
  { title, entersChecksum = '' }: ToolHistory,
  files: readonly MigrationFile[],
  recorded: readonly Recorded[],
  texts: ReadonlyMap<string, string>,
): readonly string[] {
  const open = new Set(recorded.filter(({ checksum, broken }) => checksum === null && broken === null).map(({ key }) => key));
  const changed = files.filter(({ entry, sha256 }) => {
    const ran = entry !== null && open.has(entry.key) ? texts.get(entry.key) : undefined;
    return ran !== undefined && ran !== sha256;
  });
  return changed.map(
    ({ name }) =>
      `${name} was changed after Slipway applied it, and ${title} has no checksum of it yet; put it back as it was and write a new one, or, if the change means nothing, let ${title} judge it: ${entersChecksum} enters its checksum`,
  );
}

function entriesOf(files: readonly MigrationFile[]): readonly Entry[] {
  return files.flatMap(({ entry }) => (entry === null ? [] : [entry]));
}

function rowOf(tool: ToolHistory, files: readonly MigrationFile[], { key, checksum, at }: Recorded): StoredRow {
  const file = files.find(({ entry }) => entry?.key === key);
  return {
    name: file?.name ?? key,
    sha256: file === undefined ? '' : unchanged(file, checksum) ? file.sha256 : `not ${file.sha256}`,
    by: `${tool.title} (${tool.table})`,
    direction: 'up',
    at: at ?? '',
    finished: true,
    begun: 0,
    statementsDone: 0,
    statements: 0,
    doneSha256: '',
  };
}

/** By the tool's checksum; where it keeps none, nothing else is known. */
function unchanged({ entry }: MigrationFile, checksum: string | null): boolean {
  const { checksums = [] } = entry ?? {};
  return checksum === null || checksums.length === 0 || checksums.includes(checksum);
}

/**
 * Takes the locks of the tool itself and makes its table unless it is there.
 * @throws SlipwayError `locked` naming who holds one, `not_possible_now` when there is no schema for its table
 */
export async function openHistory(control: pg.Client, tool: ToolHistory | null, wait: ToolWait): Promise<OpenHistory> {
  if (tool === null) return OWN;
  const { rows } = await control.query<{ database: string; schema: string | null }>(
    'SELECT current_database() AS database, current_schema() AS schema',
  );
  const { database = '', schema: current = null } = rows[0] ?? {};
  const there = await lookForTable(control, tool);
  const schema = there?.schema ?? current;
  if (schema === null) throw noSchema(tool);
  for (const key of tool.locks(database, schema)) await takeToolLock(control, { tool, key }, wait);
  const found = await findTable(control, tool);
  if (found !== null) return { tool, table: found };
  const name = tool.table.includes('.') ? tool.table : `${schema}.${tool.table}`;
  const table = name.split('.').map(ident).join('.');
  await control.query(`BEGIN; ${tool.create(table)}; COMMIT`);
  return { tool, table };
}

function noSchema({ title }: ToolHistory): SlipwayError {
  const message = `The search path of database.url names no schema that is there, so ${title} has no place for its table`;
  return new SlipwayError('not_possible_now', message, { hint: 'Create the schema, or correct the URL.' });
}

export interface ToolWait {
  readonly waitMs: Duration;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  readonly onWait?: (owner: string) => void;
}

/**
 * Takes the lock that a tool keeps in a table, for as long as the session of `holder` lives.
 * @throws SlipwayError `locked` naming who holds it
 */
export async function holdToolLock(holder: pg.Client, { tool, table }: OpenHistory, wait: ToolWait): Promise<void> {
  if (tool?.hold === undefined) return;
  await untilTaken(tool, wait, async () => {
    const other = (await tool.hold?.(holder, table)) ?? null;
    return other === null ? null : { by: `, which ${other.owner} has`, hint: `If nobody is at work there any more: ${other.release}.` };
  });
}

async function takeToolLock(
  control: pg.Client,
  { tool, key }: { readonly tool: ToolHistory; readonly key: bigint },
  wait: ToolWait,
): Promise<void> {
  await untilTaken(tool, wait, async () => {
    const { rows } = await control.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [key.toString()]);
    return rows[0]?.taken === true ? null : { by: ` (${key})`, hint: 'pg_locks tells which session holds it.' };
  });
}

const POLL_MS = 100;

/** @param look who is in the way, and what to do; null once it is ours */
async function untilTaken(
  tool: ToolHistory,
  { waitMs, clock, signal, onWait }: ToolWait,
  look: () => Promise<{ readonly by: string; readonly hint: string } | null>,
): Promise<void> {
  const since = clock.monotonic();
  for (let told = false; ; told = true) {
    const other = await look();
    if (other === null) return;
    if (clock.monotonic() - since > waitMs)
      throw new SlipwayError('locked', `${tool.title} is at work on this database: it holds its migration lock${other.by}`, {
        hint: `Wait until it is done. ${other.hint}`,
      });
    if (!told) onWait?.(`${tool.title}, which holds its migration lock`);
    if (signal?.aborted === true)
      throw new SlipwayError('release_aborted', 'Cancelled while waiting for another migration; nothing was changed');
    await clock.sleep(POLL_MS, signal);
  }
}
