import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/index.ts';

/**
 * Readers for step inputs and facts, which are plain JSON from the ledger, maybe written by another build.
 * A field that is not what this build expects throws, so the step answers `unknown` instead of guessing.
 */
export function text(input: JsonObject, field: string): string {
  const value = input[field];
  if (typeof value !== 'string') throw new TypeError(`"${field}" should be text, it is ${JSON.stringify(value)}`);
  return value;
}

/** A number field; throws when it is not one. */
export function number(input: JsonObject, field: string): number {
  const value = input[field];
  if (typeof value !== 'number') throw new TypeError(`"${field}" should be a number, it is ${JSON.stringify(value)}`);
  return value;
}

/** An object field; throws when it is not one. */
export function object(input: JsonObject, field: string): JsonObject {
  const value: JsonValue | undefined = input[field];
  if (!isJsonObject(value)) throw new TypeError(`"${field}" should be an object, it is ${JSON.stringify(value)}`);
  return value;
}

/** Domain types written to the ledger as plain data come back as what they were; the plan's schema id vouches for it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what was written; that is its point
export function as<T>(value: JsonValue | undefined): T {
  return value as unknown as T;
}
