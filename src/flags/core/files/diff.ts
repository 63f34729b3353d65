import type { Flag, FlagSet, JsonValue, Segment } from '../../../../packages/flags/src/core/definition.ts';
import { equal, everyField, fieldsOf, FLAG_KEYS, writeSegment, type FlagKey } from './render.ts';

/** One flag or segment that is otherwise in the files than on the server. */
export type FileDifference = { readonly key: string; readonly fields: readonly FieldDifference[] } & (
  | { readonly kind: 'flag'; readonly server: Flag | null; readonly files: Flag | null }
  | { readonly kind: 'segment'; readonly server: Segment | null; readonly files: Segment | null }
);

/** One key that differs, as files write it; empty for what is on one side only. */
export interface FieldDifference {
  readonly field: FlagKey | 'when';
  readonly server: JsonValue;
  readonly files: JsonValue;
}

/** What to change on the server so that it is as the files say, in order of keys; segments first, as flags need them. */
export function fileDifferences(server: FlagSet, files: FlagSet): readonly FileDifference[] {
  const segments = keysOf(server.segments, files.segments).map((key): FileDifference => {
    const [there, here] = [own(server.segments, key), own(files.segments, key)];
    return { kind: 'segment', key, server: there, files: here, fields: there === null || here === null ? [] : segmentFields(there, here) };
  });
  const flags = keysOf(server.flags, files.flags).map((key): FileDifference => {
    const [there, here] = [own(server.flags, key), own(files.flags, key)];
    return { kind: 'flag', key, server: there, files: here, fields: there === null || here === null ? [] : flagFields(there, here) };
  });
  return [...segments, ...flags].filter(({ server, files }) => !equal(server, files));
}

function keysOf(one: object, other: object): readonly string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].toSorted();
}

/** What a record itself has under a key; null for what it has not, `constructor` among others. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | null {
  return Object.hasOwn(record, key) ? (record[key] ?? null) : null;
}

/** Keys in which two flags differ. */
export function flagFields(server: Flag, files: Flag): readonly FieldDifference[] {
  const [there, here] = [everyField(server), everyField(files)];
  // Compared as they are defined: what is written as a map has no order there, which shares have.
  const [first, second] = [fieldsOf(server), fieldsOf(files)];
  return FLAG_KEYS.filter((key) => !equal(first[key], second[key])).map((field) => ({
    field,
    server: there[field],
    files: here[field],
  }));
}

function segmentFields(server: Segment, files: Segment): readonly FieldDifference[] {
  const [there, here] = [writeSegment(server), writeSegment(files)];
  return (['description', 'when'] as const).flatMap((field) =>
    equal(there[field], here[field]) ? [] : [{ field, server: there[field] ?? null, files: here[field] ?? null }],
  );
}
