import { compareNames } from './file-name.ts';

/** A row of the history table. */
export interface HistoryRow {
  readonly name: string;
  readonly sha256: string;
  /** Who ran it. */
  readonly release: string;
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

/** Compares the folder with what the database says was applied. `files` are in order. */
export function compareHistory<F extends { readonly name: string; readonly sha256: string }>(
  files: readonly F[],
  history: readonly HistoryRow[],
): Comparison<F> {
  const rows = new Map(history.map((row) => [row.name, row]));
  const names = new Set(files.map((file) => file.name));
  const finished = history.filter((row) => row.finished);
  const newest = finished
    .map((row) => row.name)
    .toSorted(compareNames)
    .at(-1);
  const pending = files.filter((file) => rows.get(file.name)?.finished !== true);
  const changed = files.filter((file) => (rows.get(file.name)?.finished ?? false) && rows.get(file.name)?.sha256 !== file.sha256);
  const late = newest === undefined ? [] : pending.filter((file) => !rows.has(file.name) && compareNames(file.name, newest) < 0);
  const gone = history.filter((row) => !names.has(row.name));
  return {
    pending,
    partial: history.find((row) => !row.finished) ?? null,
    drift: [
      ...changed.map((file) => `${file.name} was changed after it was applied; put it back as it was and write a new file`),
      ...gone.map((row) => `${row.name} was applied by release ${row.release} and is not in the folder`),
      ...late.map((file) => `${file.name} sorts before ${newest ?? ''}, which is already applied; give it a newer number`),
    ],
  };
}
