import { OWN_HISTORY, type StoredRow } from '../history.ts';
import type { MigrationFile } from '../migrations.ts';
import { literal } from '../server.ts';
import type { Entry, Recorded, ToolHistory } from './ports.ts';

/** A file that Slipway has left in the middle, as the tool's table knows it. */
interface Begun {
  readonly row: StoredRow;
  readonly entry: Entry;
  /** Under which the table says that it is under way; null where the tool has no such mark. */
  readonly mark: string | null;
}

/**
 * What nobody but a person can go on from: a migration that the tool left in the middle, and one of Slipway's of which the tool's table
 * no longer says what Slipway wrote there.
 */
export function brokenIn(
  tool: ToolHistory,
  files: readonly MigrationFile[],
  { own, recorded }: { readonly own: readonly StoredRow[]; readonly recorded: readonly Recorded[] },
): readonly string[] {
  const begun = own.filter((row) => !row.finished).flatMap((row) => begunOf(tool, files, row));
  const marks = new Set(begun.map(({ mark }) => mark));
  return [
    // What Slipway itself left in the middle it also goes on with.
    ...recorded.flatMap(({ key, broken }) => (broken === null || marks.has(key) ? [] : [broken])),
    ...begun.flatMap((one) => (one.entry.repeatable ? [] : settledOf(tool, one, recorded))),
  ];
}

function begunOf({ markOf }: ToolHistory, files: readonly MigrationFile[], row: StoredRow): readonly Begun[] {
  const place = files.findIndex(({ name }) => name === row.name);
  const entry = files[place]?.entry ?? null;
  if (entry === null) return [];
  const { direction } = row;
  return [{ row, entry, mark: markOf?.({ entry, before: files[place - 1]?.entry ?? null, direction }) ?? null }];
}

/** A person, or the tool, has ended it there: going on would do the rest a second time. */
function settledOf(tool: ToolHistory, { row, entry, mark }: Begun, recorded: readonly Recorded[]): readonly string[] {
  const applied = recorded.some(({ key, broken }) => key === entry.key && broken === null);
  const asWritten =
    mark === null ? applied === (row.direction === 'down') : recorded.some(({ key, broken }) => key === mark && broken !== null);
  if (asWritten) return [];
  const now = applied ? 'that it is applied' : 'nothing of it any more';
  return [
    `${row.name}: Slipway stopped after ${row.statementsDone} of its ${row.statements} statements (${row.direction}), and ${tool.table} now says ${now}. If that is so, end it here too: DELETE FROM ${OWN_HISTORY} WHERE name = ${literal(row.name)}. If it is not, put back what ${tool.table} said`,
  ];
}
