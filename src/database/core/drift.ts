import { compareNames } from './file-name.ts';

/** A row of the history. */
export interface HistoryRow {
  readonly name: string;
  readonly sha256: string;
  /** Who ran it: a release, or the tool whose table says so. */
  readonly by: string;
  readonly direction: 'up' | 'down';
  readonly at: string;
  readonly finished: boolean;
  readonly statementsDone: number;
  readonly statements: number;
}

/** Folder against history. */
export interface Comparison<F> {
  /** Files to apply, in order; a partially applied one is among them. */
  readonly pending: readonly F[];
  readonly drift: readonly string[];
  readonly partial: HistoryRow | null;
}

/** A file of the folder, as far as it is compared. */
export interface Comparable {
  readonly name: string;
  readonly sha256: string;
  /** Its tool applies it again whenever it changes, after all others. */
  readonly repeatable?: boolean;
}

type Order = (a: string, b: string) => number;

/** The folder's own order, for tools that do not go by a number in front; what is not in the folder comes first. */
export function orderIn(files: readonly Comparable[]): Order {
  const places = new Map(files.map((file, index) => [file.name, index]));
  return (a, b) => (places.get(a) ?? -1) - (places.get(b) ?? -1);
}

/** Compares the folder with what the database says was applied. `files` are in order. */
export function compareHistory<F extends Comparable>(
  files: readonly F[],
  history: readonly HistoryRow[],
  order: Order = compareNames,
): Comparison<F> {
  const rows = new Map(history.map((row) => [row.name, row]));
  const names = new Set(files.map((file) => file.name));
  const again = new Set(files.filter((file) => file.repeatable === true).map((file) => file.name));
  const finished = history.filter((row) => row.finished);
  const newest = finished
    .map((row) => row.name)
    .filter((name) => !again.has(name))
    .toSorted(order)
    .at(-1);
  const changed = files.filter((file) => (rows.get(file.name)?.finished ?? false) && rows.get(file.name)?.sha256 !== file.sha256);
  const pending = files.filter((file) => rows.get(file.name)?.finished !== true || (again.has(file.name) && changed.includes(file)));
  const late = newest === undefined ? [] : pending.filter((file) => !rows.has(file.name) && order(file.name, newest) < 0);
  const gone = history.filter((row) => !names.has(row.name));
  return {
    pending,
    partial: history.find((row) => !row.finished) ?? null,
    drift: [
      ...changed
        .filter((file) => !again.has(file.name))
        .map((file) => `${file.name} was changed after it was applied; put it back as it was and write a new file`),
      ...gone.map((row) => `${row.name} was applied by ${row.by} and is not in the folder`),
      ...late.map((file) => `${file.name} sorts before ${newest ?? ''}, which is already applied; give it a newer number`),
    ],
  };
}
