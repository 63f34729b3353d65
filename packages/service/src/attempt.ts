/** Calls `action` so that what it throws at once also arrives as a rejection. */
export async function attempt<A extends readonly unknown[], T>(action: (...args: A) => T | PromiseLike<T>, ...args: A): Promise<T> {
  return action(...args);
}
