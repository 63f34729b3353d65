/** Compile-time proof that every case of a union was handled; throws if a newer build wrote one this build lacks. */
export function assertExhaustive(value: never): never {
  throw new Error(`Unhandled case: ${JSON.stringify(value)}`);
}
