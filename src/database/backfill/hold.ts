import type pg from 'pg';
import type { RangeEnd, Walking } from './run.ts';
import { tookOver, type Wanted } from './state.ts';

const LOOK_MS = 250;

/** Waits while something speaks against the next batch, and tells why; answers how the walk ends when it must not go on. */
export async function hold(walking: Walking, client: pg.Client, range: number): Promise<RangeEnd | null> {
  const { request } = walking;
  const since = request.effects.clock.monotonic();
  const waited: { because: string | null } = { because: null };
  const end = await untilClear(walking, client, waited);
  const { because } = waited;
  if (because !== null) request.onWaited?.({ walk: walking.walk, range, because, tookMs: request.effects.clock.monotonic() - since });
  return end;
}

async function untilClear(walking: Walking, client: pg.Client, waited: { because: string | null }): Promise<RangeEnd | null> {
  const { request, work, monitor, ending, wanted } = walking;
  for (;;) {
    const end = whyEnd(walking);
    if (end !== null) return { kind: 'stopped', because: end };
    const paused = wanted.value === 'pause';
    const why = paused ? 'somebody paused it' : monitor.why();
    request.onWait?.(why);
    if (why === null) return null;
    waited.because ??= why;
    await request.effects.clock.sleep(LOOK_MS, ending.signal);
    wanted.value = await readWanted(client, work.definition.name, work.fence);
  }
}

function whyEnd({ request, work, ending, startedAt, wanted }: Walking): string | null {
  const { mostMs } = work.definition.limits;
  if (ending.signal.aborted) return 'it was asked to end';
  if (mostMs !== null && request.effects.clock.monotonic() - startedAt > mostMs) return 'its longest run is over';
  return wanted.value === 'stop' ? 'somebody asked it to stop' : null;
}

async function readWanted(client: pg.Client, name: string, fence: number): Promise<Wanted> {
  const { rows } = await client.query<{ wanted: Wanted }>('SELECT wanted FROM slipway_history.backfill WHERE name = $1 AND fence = $2', [
    name,
    fence,
  ]);
  const [row] = rows;
  if (row === undefined) throw tookOver(name);
  return row.wanted;
}
