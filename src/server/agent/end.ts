/** How an agent is told to end, and what those who told it hear. */
export interface End {
  /** Resolves when somebody wants the agent to end. */
  readonly wanted: Promise<void>;
  /** Asks for the end, and with `all` for that of everything supervised; resolves when it is reached, rejects when something could not be stopped. */
  ask(all: boolean): Promise<void>;
  /** Did anybody ask for the end of everything? */
  all(): boolean;
  /** Does what ends the agent, and tells everyone who asked how it went. */
  reach(work: () => Promise<void>): Promise<void>;
  begun(): boolean;
  /** From now on nothing else may be asked of the agent. */
  refuseOrders(): void;
  refusing(): boolean;
}

/** An end that comes with the signal, or when asked for. */
export function createEnd(signal: AbortSignal): End {
  const begun = new AbortController();
  const wanted = AbortSignal.any([signal, begun.signal]);
  const asking: { resolve(): void; reject(error: unknown): void }[] = [];
  let all = false;
  let refusing = false;
  return {
    wanted: new Promise((resolve) => {
      if (wanted.aborted) resolve();
      wanted.addEventListener('abort', () => resolve(), { once: true });
    }),
    ask: (everything) => {
      all ||= everything;
      begun.abort();
      return new Promise((resolve, reject) => {
        asking.push({ resolve, reject });
      });
    },
    all: () => all,
    reach: async (work) => {
      try {
        await work();
        for (const { resolve } of asking) resolve();
      } catch (error) {
        for (const { reject } of asking) reject(error);
        throw error;
      }
    },
    begun: () => wanted.aborted,
    refuseOrders: () => {
      refusing = true;
    },
    refusing: () => refusing,
  };
}
