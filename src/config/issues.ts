import type { z } from 'zod';
import { nearest } from './core/nearest.ts';
import { KNOWN_KEYS } from './schema/scalars.ts';

type Issue = z.core.$ZodIssue;

/** A complaint about a value (or, with `about: 'key'`, about a key), by path in the parsed value. */
export interface Complaint {
  readonly path: readonly (string | number)[];
  readonly about: 'key' | 'value';
  readonly message: string;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of names',
  array: 'a list',
};

/** Turns zod's issues into sentences with one place each. `input` is the value that was parsed. */
export function complaintsOf(issues: readonly Issue[], input: unknown): readonly Complaint[] {
  return withoutFollowers(issues).flatMap((issue) => complaintsOfOne(issue, input, []));
}

/** A section that said something of its own of strange keys has said what is wrong; what it lacks for them is no second mistake. */
function withoutFollowers(issues: readonly Issue[]): readonly Issue[] {
  const told = new Set(issues.filter(isOwn).map(({ path }) => path.join('.')));
  return issues.filter((issue) => issue.code !== 'custom' || !told.has(issue.path.join('.')));
}

function isOwn({ code, message }: Issue): boolean {
  return code === 'unrecognized_keys' && !message.startsWith(KNOWN_KEYS) && !message.startsWith('Unrecognized ');
}

function complaintsOfOne(issue: Issue, input: unknown, prefix: Complaint['path']): readonly Complaint[] {
  const path = [...prefix, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))];
  const value = valueAt(input, path);
  switch (issue.code) {
    case 'unrecognized_keys':
      return keyComplaints(issue, path);
    case 'invalid_union':
      return unionComplaints(issue.errors, { input, path, value, message: ownMessage(issue) });
    case 'invalid_key':
      return [{ path, about: 'key', message: `"${String(path.at(-1))}" ${issue.issues[0]?.message ?? 'is not a valid name here'}` }];
    case 'invalid_type':
      return [missingOrWrongType(path, value, ownMessage(issue) ?? TYPES[issue.expected] ?? issue.expected)];
    case 'invalid_value':
      return [
        {
          path,
          about: 'value',
          message: `must be ${listOf(issue.values.map((one) => String(one)))}, not ${shown(value)}${suggestion(value, issue.values)}`,
        },
      ];
    case 'too_small':
      return [
        { path, about: 'value', message: issue.message.startsWith('Too small') ? `must be at least ${issue.minimum}` : issue.message },
      ];
    case 'too_big':
      return [{ path, about: 'value', message: `must be at most ${issue.maximum}` }];
    default:
      return [{ path, about: 'value', message: issue.message }];
  }
}

function keyComplaints(issue: z.core.$ZodIssueUnrecognizedKeys, path: Complaint['path']): readonly Complaint[] {
  const { keys, message } = issue;
  if (isOwn(issue)) return [{ path: [...path, keys[0] ?? ''], about: 'key', message }];
  return keys.map((key) => ({ path: [...path, key], about: 'key', message: unknownKey(key, message) }));
}

function unknownKey(key: string, message: string): string {
  const known = message.startsWith(KNOWN_KEYS) ? message.slice(KNOWN_KEYS.length).split(', ') : [];
  const meant = nearest(key, known);
  return `"${key}" is not a key here; ${meant === null ? `the keys are ${known.join(', ')}` : `did you mean "${meant}"?`}`;
}

function missingOrWrongType(path: Complaint['path'], value: unknown, expected: string): Complaint {
  if (value === undefined) return { path, about: 'key', message: `"${String(path.at(-1))}" is missing (${expected})` };
  if (value === null) return { path, about: 'value', message: `is empty; give it ${expected}, or delete the line` };
  return { path, about: 'value', message: `must be ${expected}, not ${shown(value)}` };
}

/**
 * Of the forms a value may have, reports on the one that was meant: the form of the same type with the fewest complaints.
 * When no form has the right type, says which types there are.
 */
function unionComplaints(
  branches: readonly (readonly Issue[])[],
  at: { input: unknown; path: Complaint['path']; value: unknown; message: string | null },
): readonly Complaint[] {
  const sameType = branches.filter((issues) => !issues.some((issue) => isWrongForm(issue)));
  const flat = sameType.map((issues) => withoutFollowers(issues).flatMap((issue) => complaintsOfOne(issue, at.input, at.path)));
  const best = flat.toSorted((a, b) => a.length - b.length)[0];
  if (best !== undefined) return best;
  const forms = [...new Set(branches.flatMap((issues) => issues.flatMap((issue) => formsOf(issue))))];
  const expected = at.message ?? listOf(forms);
  const words = branches.flatMap((issues) => issues.flatMap((issue) => (issue.code === 'invalid_value' ? issue.values : [])));
  if (at.value === undefined || at.value === null) return [missingOrWrongType(at.path, at.value, expected)];
  return [{ path: at.path, about: 'value', message: `must be ${expected}, not ${shown(at.value)}${suggestion(at.value, words)}` }];
}

/** What a schema says it expects, when it says so in its own words instead of zod's. */
function ownMessage(issue: Issue): string | null {
  return issue.message.startsWith('Invalid ') ? null : issue.message;
}

function isWrongForm(issue: Issue): boolean {
  if (issue.path.length > 0) return false;
  if (issue.code === 'invalid_union') return issue.errors.every((issues) => issues.some(isWrongForm));
  return issue.code === 'invalid_type' || issue.code === 'invalid_value';
}

function formsOf(issue: Issue): readonly string[] {
  if (issue.path.length > 0) return [];
  if (issue.code === 'invalid_type') return [TYPES[issue.expected] ?? issue.expected];
  if (issue.code === 'invalid_value') return issue.values.map((one) => String(one));
  return issue.code === 'invalid_union' ? issue.errors.flatMap((issues) => issues.flatMap((inner) => formsOf(inner))) : [];
}

function suggestion(value: unknown, words: readonly unknown[]): string {
  const meant =
    typeof value === 'string'
      ? nearest(
          value,
          words.map((word) => String(word)),
        )
      : null;
  return meant === null ? '' : `; did you mean "${meant}"?`;
}

function listOf(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? 'something else') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map of keys';
  return typeof value === 'string' ? `"${value.length > 60 ? `${value.slice(0, 60)}…` : value}"` : String(value);
}

function valueAt(input: unknown, path: Complaint['path']): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[part];
  }
  return value;
}
