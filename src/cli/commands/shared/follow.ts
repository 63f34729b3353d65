import { toIso, type Clock } from '../../../kernel/index.ts';
import type { ReleaseStore, StoredRelease } from '../../../release/index.ts';
import { eventLine } from '../../output/events.ts';
import { renderProgress } from '../../output/progress.ts';
import { viewOf, type ReleaseView } from '../../output/release-view.ts';
import type { Terminal } from '../../output/terminal.ts';

const REDRAW_MS = 200;
const SEAL_LOOK_MS = 20;
/** After so long without an event it is said what is waited for. */
const QUIET_MS = 5_000;

/** Shows what happens as it happens. */
interface Screen {
  show(stored: StoredRelease): void;
  /** Nothing has happened for a while. */
  quiet(view: ReleaseView): void;
  /** Leaves the last state on the screen. */
  end(): void;
}

/**
 * Shows a release until it is finished and sealed (or could not be), stuck, or the signal aborts; answers its last state, or null when
 * the signal came first. Watching changes nothing, and ending the watch does not either.
 */
export async function follow(
  store: ReleaseStore,
  release: string,
  { terminal, clock, signal }: FollowOptions,
): Promise<ReleaseView | null> {
  const screen = terminal.live ? liveScreen(terminal, clock) : lineScreen(terminal, clock);
  try {
    for (let stored: StoredRelease | undefined; ;) {
      stored = await store.load(release, stored);
      screen.show(stored);
      const view = viewOf(stored, clock.now());
      if (view.sealed || view.stuck !== null || view.unsealedBecause !== null) return view;
      if (signal.aborted) return null;
      // Sealing is no event of the ledger it seals, so it is looked for.
      if (view.outcome !== null) await clock.sleep(SEAL_LOOK_MS, signal);
      else if (!(await changedSoon(store, stored, { clock, signal }))) screen.quiet(view);
    }
  } finally {
    screen.end();
  }
}

/** Waits for the next event, but not for ever; false when none came. */
async function changedSoon(
  store: ReleaseStore,
  { summary, events }: StoredRelease,
  { clock, signal }: Pick<FollowOptions, 'clock' | 'signal'>,
): Promise<boolean> {
  const [came, late] = [new AbortController(), new AbortController()];
  void clock.sleep(QUIET_MS, AbortSignal.any([signal, came.signal])).then(() => late.abort());
  await store.changed(summary.release, events.length, AbortSignal.any([signal, late.signal]));
  came.abort();
  return !late.signal.aborted;
}

export interface FollowOptions {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One line per event; with --json the event itself. */
function lineScreen(terminal: Terminal, clock: Clock): Screen {
  let shown = 0;
  let said: string | null = null;
  return {
    show: ({ events }) => {
      for (const event of events.slice(shown)) {
        const line = eventLine(event, terminal.style);
        if (terminal.json) terminal.data({ kind: 'event', event });
        else if (line !== null) terminal.say(line);
      }
      if (shown < events.length) said = null;
      shown = events.length;
    },
    quiet: ({ waiting }) => {
      // Once, not every few seconds.
      if (waiting === null || waiting === said) return;
      said = waiting;
      if (terminal.json) terminal.data({ kind: 'waiting', for: waiting });
      else terminal.say(`${toIso(clock.now())}  waiting for ${waiting}`);
    },
    end: () => undefined,
  };
}

/** Redrawn in place, also between events, because elapsed times move on. */
function liveScreen(terminal: Terminal, clock: Clock): Screen {
  let latest: StoredRelease | null = null;
  let lines = 0;
  const draw = (): void => {
    if (latest === null) return;
    const text = renderProgress(viewOf(latest, clock.now()), clock.now(), terminal.width, terminal.style);
    // Up to the first line drawn before, then clear to the end of the screen.
    terminal.raw(`${lines === 0 ? '' : `\u001B[${lines}A`}\r\u001B[J${text}\n`);
    lines = text.split('\n').length;
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    show: (stored) => {
      latest = stored;
      draw();
    },
    // What is waited for is on the screen already.
    quiet: () => undefined,
    end: () => clearInterval(timer),
  };
}
