import { formatDuration, type Instant } from '../../kernel/index.ts';
import type { Outcome, ReleaseEvent, ReleaseStore } from '../../release/index.ts';

/** Prints a release's events as they come, until its evidence is sealed. Null when it got stuck. */
export async function follow(store: ReleaseStore, release: string, print: (line: string) => void): Promise<Outcome | null> {
  const never = new AbortController().signal;
  let startedAt: Instant | null = null;
  for (let seen = 0; ; ) {
    const { events, summary } = await store.load(release);
    startedAt ??= events[0]?.time ?? null;
    for (const event of events.slice(seen)) {
      const line = describe(event);
      if (line !== null) print(`  ${formatDuration(event.time - (startedAt ?? event.time)).padStart(6)}  ${line}`);
    }
    seen = events.length;
    const last = events.at(-1);
    if (last?.type === 'release.stuck') return null;
    if (last?.type === 'release.finished' && summary.sealed) return last.data.outcome;
    await store.changed(release, seen, last?.type === 'release.finished' ? AbortSignal.timeout(200) : never);
  }
}

function describe(event: ReleaseEvent): string | null {
  switch (event.type) {
    case 'step.finished':
      return `${event.data.verdict.toUpperCase().padEnd(7)} ${event.data.step}: ${event.data.reason}`;
    case 'step.skipped':
      return `skipped ${event.data.step}: ${event.data.reason}`;
    case 'step.interrupted':
      return `cut off ${event.data.step}; it runs again`;
    case 'rollback.started':
      return `ROLLBACK: ${event.data.cause}`;
    case 'release.stuck':
      return `STUCK: ${event.data.reason}`;
    case 'release.finished':
      return `${event.data.outcome.toUpperCase()}: ${event.data.reason}`;
    default:
      return null;
  }
}
