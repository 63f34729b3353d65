import fc from 'fast-check';

/** One of these values. */
export const pick = <T>(...of: readonly [T, ...T[]]): fc.Arbitrary<T> => fc.constantFrom(...of);
/** One of these lines. */
export const line = (text: string): fc.Arbitrary<string> =>
  fc.constantFrom(
    ...text
      .split('\n')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  );
