import type { FeedParts } from './feed.ts';
import { pause } from './platform.ts';
import { ask, expectStatus, queryOf } from './requests.ts';

/** Before anything was heard at all the snapshot is asked for soon: a proxy may hold a stream back for ever. */
const FIRST_MS = 1_000;

/** Asks for the snapshot every now and then, stream or no stream: a stream that is silently dead must not go unnoticed. */
export interface Polling {
  /** Asks now, whatever is on its way: that may have been answered before something happened. False when the answer was refused. */
  fresh(): Promise<boolean>;
  readonly ended: Promise<void>;
}

export function startPolling(parts: FeedParts): Polling {
  const { platform, intake, signal, failed, pollMs } = parts;
  const loop = async (): Promise<void> => {
    let failures = 0;
    while (!signal.aborted) {
      const isEarly = intake.set() === null;
      const waitMs = isEarly ? Math.min(pollMs, FIRST_MS * 2 ** Math.min(failures, 10)) : pollMs;
      await pause(platform, waitMs * (0.9 + 0.2 * platform.random()), signal);
      // The stream was quicker: what it says need not be asked for.
      if (isEarly && intake.set() !== null) continue;
      if (signal.aborted) return;
      try {
        await askForSnapshot(parts);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (!signal.aborted) failed(error);
      }
    }
  };
  return { fresh: () => askForSnapshot(parts), ended: loop() };
}

async function askForSnapshot({ platform, server, intake, heard, doubted, signal, readTimeoutMs }: FeedParts): Promise<boolean> {
  const tooLong = new AbortController();
  const stop = platform.after(readTimeoutMs, () => tooLong.abort(new Error(`the snapshot was not there within ${readTimeoutMs} ms`)));
  try {
    const askedAt = intake.set()?.seq ?? 0;
    const etag = intake.etag();
    const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
    const either = AbortSignal.any([signal, tooLong.signal]);
    const path = `/flags/v1/snapshot${queryOf({ environment: intake.environment() })}`;
    const response = await expectStatus(platform, server, await ask(platform, server, path, { headers, signal: either }), 200, 304);
    const text = await response.text();
    if (response.status === 200) {
      const taken = await intake.take(text, askedAt);
      if (taken.kind === 'refused') return false;
    }
    // Something may have been told meanwhile that this answer does not hold.
    if (intake.isSure()) heard(ageMs(response));
    return true;
  } finally {
    stop();
    // Waiting for a silence would leave it READY with flags of a past that the server may not have any more.
    if (intake.isForked() && !signal.aborted) doubted();
  }
}

/** `Age`: for how long the server itself heard nothing. */
function ageMs(response: Response): number {
  const seconds = Number(response.headers.get('age') ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : 0;
}
