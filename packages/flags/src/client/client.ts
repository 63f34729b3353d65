import type { Context, Evaluation } from '../core/evaluator.ts';
import { startCounts, type Counts } from './counts.ts';
import { createEmitter, type Emitter } from './emitter.ts';
import { createEvaluating } from './evaluating.ts';
import { startFollowing } from './following.ts';
import { checkOptions, type Checked, type ClientOptions, type LastGood } from './options.ts';
import { systemPlatform, type Platform } from './platform.ts';
import type { Server } from './requests.ts';
import type { ClientEvents, FlagsClient } from './types.ts';

/** `close` is over after this, whatever the server and the disk do. */
const CLOSE_MS = 2_000;

export interface ClientParts {
  readonly platform?: Platform;
  /** Null where nothing can be kept. */
  readonly lastGood: LastGood | null;
}

/**
 * A client that follows the server. It begins at once, and goes on until it is closed.
 * @throws TypeError when an option is wrong
 */
export function makeClient(options: ClientOptions, { platform = systemPlatform, lastGood }: ClientParts): FlagsClient {
  const checked = checkOptions(options);
  const server: Server = { url: checked.url, token: checked.token, client: platform.id(), environment: checked.environment };
  const counts = options.telemetry === false ? null : startCounts(platform, server);
  const evaluating = createEvaluating(noteOf(checked, counts));
  const events: Emitter<ClientEvents> = createEmitter((error) => checked.log('error', `a listener threw: ${String(error)}`));
  const following = startFollowing({ checked, platform, server, lastGood, evaluating, events });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    const late = new AbortController();
    const stop = platform.after(CLOSE_MS, () => late.abort());
    const done = Promise.allSettled([following.stop(), counts?.stop(late.signal)]);
    await Promise.race([done, new Promise((resolve) => late.signal.addEventListener('abort', resolve))]);
    stop();
  };
  return {
    ...evaluating.flags,
    ready: following.ready,
    status: following.status,
    snapshot: () => {
      const { environment, seq } = evaluating.current();
      return { ...evaluating.held(), environment, seq };
    },
    on: events.on,
    close: () => (closing ??= close()),
  };
}

/** What happens at every evaluation. Null when nothing does, so that evaluation is as fast as it can be. */
function noteOf(
  { onEvaluation, log }: Checked,
  counts: Counts | null,
): ((evaluation: Evaluation, context: Context | null | undefined) => void) | null {
  if (onEvaluation === null && counts === null) return null;
  const unknown = new Set<string>();
  return (evaluation, context) => {
    const { key, variant, errorCode } = evaluation;
    if (variant !== null) counts?.add(key, variant);
    else if (errorCode === 'FLAG_NOT_FOUND' && unknown.size < 1_000 && !unknown.has(key)) {
      unknown.add(key);
      log('warn', `there is no flag ${JSON.stringify(key)}: the default of the code is served`);
    }
    if (onEvaluation === null) return;
    try {
      onEvaluation(evaluation, context?.targetingKey);
    } catch {
      // Whoever watches must not break whoever is watched.
    }
  };
}
