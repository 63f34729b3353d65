/** One Ctrl-C or one order to stop may come twice: from a terminal or a supervisor to all of a process group, and passed on by one of it. */
const SAME_MS = 500;

/** A signal that aborts at the first Ctrl-C or SIGTERM; a second one, later than a moment, ends the process at once. */
export function onInterrupt(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  let first = 0;
  const stop = (): void => {
    if (!controller.signal.aborted) {
      first = performance.now();
      return controller.abort();
    }
    if (performance.now() - first > SAME_MS) process.exit(INTERRUPTED);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}

/** As shells report a process ended by SIGINT. */
export const INTERRUPTED = 130;
