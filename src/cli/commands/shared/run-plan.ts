import { runWorker, type Plan } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { headline } from '../../output/progress.ts';
import { flag, type Call } from '../spec.ts';
import { actorOf } from './app.ts';
import { conclude } from './conclude.ts';
import { follow } from './follow.ts';
import { INTERRUPTED, onInterrupt } from './interrupt.ts';

/** Submits a plan, then watches it to its end, driving it here when nobody else would. Answers the exit code. */
export async function runPlan(call: Call, app: App, plan: Plan, here: boolean): Promise<number> {
  const { terminal } = call;
  await app.opened.store.submit({ plan, actor: actorOf(call.environment), wait: flag(call, 'wait') });
  const { release } = plan;
  if (terminal.json)
    terminal.data({ kind: 'submitted', release, version: plan.version, service: plan.service, environment: plan.environment });
  if (flag(call, 'detach')) {
    if (!terminal.json)
      terminal.say(
        `Submitted: ${headline({ ...plan, previous: plan.previous?.version ?? null })}\nrelease ${release}\nWatch it with \`slipway watch ${release}\`.`,
      );
    return 0;
  }
  return here ? driveHere(call, app, release) : watchRelease(call, app, release);
}

/** Watches a release until its end or until the user has seen enough. */
export async function watchRelease(call: Call, app: App, release: string): Promise<number> {
  const interrupt = onInterrupt();
  try {
    const view = await follow(app.opened.store, release, { terminal: call.terminal, clock: app.effects.clock, signal: interrupt.signal });
    return view === null ? detached(call, release) : await conclude(call, app, view);
  } finally {
    interrupt.release();
  }
}

/** The worker of this process ends with the release, or with the user's patience; another one can then go on. */
async function driveHere(call: Call, app: App, release: string): Promise<number> {
  const over = new AbortController();
  const working = runWorker(app.driver, app.opened.wakeups, over.signal);
  try {
    return await Promise.race([watchRelease(call, app, release), working.then(() => INTERRUPTED)]);
  } finally {
    over.abort();
    await working;
  }
}

function detached({ terminal }: Call, release: string): number {
  terminal.note(
    `\nNo longer watching; release ${release} goes on where a worker drives it.\n  watch it again: slipway watch ${release}\n  stop it:        slipway abort ${release}\n  no worker left: slipway agent start`,
  );
  return INTERRUPTED;
}
