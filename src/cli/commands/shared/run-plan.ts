import { runWorker, type Plan } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { exitOf } from '../../output/outcome.ts';
import { headline } from '../../output/progress.ts';
import type { Terminal } from '../../output/terminal.ts';
import { flag, type Call } from '../spec.ts';
import { actorOf } from './app.ts';
import { conclude, concludeSet } from './conclude.ts';
import { follow } from './follow.ts';
import { INTERRUPTED, onInterrupt } from './interrupt.ts';
import type { Chosen } from './which.ts';

/**
 * Submits a plan, or those of a set (all or none), then watches to the end, driving it here when nobody else would. Answers the exit
 * code; of a set, the worst.
 */
export async function runPlans(call: Call, app: App, plans: readonly Plan[], here: boolean): Promise<number> {
  const actor = actorOf(call.environment);
  const wait = flag(call, 'wait');
  await app.opened.store.submit(...plans.map((plan) => ({ plan, actor, wait })));
  const detach = flag(call, 'detach');
  for (const plan of plans) saySubmitted(call.terminal, plan, detach);
  if (detach) return 0;
  const chosen = { set: plans[0]?.set?.name ?? null, releases: plans.map(({ release }) => release) };
  return here ? driveHere(call, app, chosen) : watchReleases(call, app, chosen);
}

function saySubmitted(terminal: Terminal, { release, version, service, environment, set, ...plan }: Plan, detach: boolean): void {
  if (terminal.json)
    return terminal.data({ kind: 'submitted', release, version, service, environment, ...(set === undefined ? {} : { set: set.id }) });
  const line = headline({ ...plan, service, environment, version, previous: plan.previous?.version ?? null });
  if (detach) terminal.say(`Submitted: ${line}\nrelease ${release}\nWatch it with \`slipway watch ${release}\`.`);
  // The lines of a set that follow do not name their releases.
  else if (set !== undefined) terminal.say(`submitted ${line}, release ${release}`);
}

/** Watches a release, or those of a set, until the end or until the user has seen enough. */
export async function watchReleases(call: Call, app: App, { set, releases }: Chosen): Promise<number> {
  const interrupt = onInterrupt();
  const { store } = app.opened;
  try {
    const { terminal } = call;
    const stored = await Promise.all(releases.map((release) => store.load(release)));
    const services = stored.map(({ summary }) => summary.service);
    const width = Math.max(...services.map((service) => service.length));
    const views = await Promise.all(
      releases.map((release, index) =>
        follow(store, release, {
          terminal: set === null ? terminal : prefixed(terminal, services[index] ?? '', width),
          clock: app.effects.clock,
          signal: interrupt.signal,
        }),
      ),
    );
    const seen = views.filter((view) => view !== null);
    for (const view of seen) conclude(call, app, view);
    if (seen.length < views.length) return detached(call, { set, releases });
    if (set !== null) concludeSet(call, set, seen);
    return Math.max(...seen.map(exitOf));
  } finally {
    interrupt.release();
  }
}

/** The worker of this process ends with the releases, or with the user's patience; another one can then go on. */
async function driveHere(call: Call, app: App, chosen: Chosen): Promise<number> {
  const over = new AbortController();
  const working = runWorker(app.driver, app.opened.wakeups, over.signal);
  try {
    return await Promise.race([watchReleases(call, app, chosen), working.then(() => INTERRUPTED)]);
  } finally {
    over.abort();
    await working;
  }
}

function detached({ terminal }: Call, { set, releases: [release = ''] }: Chosen): number {
  const [what, id] = set === null ? [`release ${release} goes`, ` ${release}`] : [`the releases of ${set} go`, ''];
  terminal.note(
    `\nNo longer watching; ${what} on where a worker drives it.\n  watch again: slipway watch${id}\n  stop it:     slipway abort${id}\n  no worker left: slipway agent start`,
  );
  return INTERRUPTED;
}

/** Lines of several releases, told apart; nothing is redrawn. */
function prefixed(terminal: Terminal, service: string, width: number): Terminal {
  const say = (text: string): void => terminal.say(text.replace(/^/gm, `${service.padEnd(width)}  `));
  return { ...terminal, live: false, say, data: (value) => terminal.data({ service, ...(value as object) }) };
}
