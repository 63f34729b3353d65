import type { ServiceSet } from '../../../config/index.ts';
import { SlipwayError } from '../../../kernel/index.ts';
import { runWorker, type Plan, type ReleaseSet } from '../../../release/index.ts';
import type { App } from '../../compose.ts';
import { exitOf } from '../../output/outcome.ts';
import type { Terminal } from '../../output/terminal.ts';
import { flag, type Call } from '../spec.ts';
import { actorOf, configOf } from './app.ts';
import { conclude } from './conclude.ts';
import { follow } from './follow.ts';
import { INTERRUPTED, onInterrupt } from './interrupt.ts';
import { prepare, type Prepared } from './prepare.ts';

/** Plans every service of a set. Nothing is submitted unless all of them can be planned. */
export async function prepareSet(call: Call, app: App, { name, order, folders }: ServiceSet): Promise<readonly Prepared[]> {
  const { ids, clock } = app.effects;
  const releases = folders.map(() => ids.release(clock.now()));
  const members = await Promise.all(
    folders.map(async (folder, index) => ({ service: await serviceOf(call, folder), release: releases[index] ?? '' })),
  );
  const twice = members.find(({ service }, index) => members.findIndex((other) => other.service === service) !== index);
  if (twice !== undefined) throw new SlipwayError('config_invalid', `Two services of the set ${name} are called ${twice.service}`);
  const set: ReleaseSet = { id: releases[0] ?? '', name, order, members };
  const plans: Prepared[] = [];
  for (const [index, folder] of folders.entries())
    plans.push(await prepare({ ...call, directory: folder }, app, { set, release: releases[index] ?? '', workspace: folder }));
  return plans;
}

async function serviceOf(call: Call, folder: string): Promise<string> {
  return (await configOf({ ...call, directory: folder })).definition.service;
}

/** Submits the releases of a set and watches all of them to their end. Answers the worst exit code. */
export async function runSet(call: Call, app: App, plans: readonly Plan[], here: boolean): Promise<number> {
  const { terminal } = call;
  const actor = actorOf(call.environment);
  for (const plan of plans) {
    await app.opened.store.submit({ plan, actor, wait: flag(call, 'wait') });
    if (terminal.json)
      terminal.data({
        kind: 'submitted',
        release: plan.release,
        version: plan.version,
        service: plan.service,
        environment: plan.environment,
        set: plan.set?.id,
      });
    else
      terminal.say(
        `submitted ${plan.service} ${plan.previous === null ? '' : `${plan.previous.version} -> `}${plan.version}, release ${plan.release}`,
      );
  }
  if (flag(call, 'detach')) return 0;
  const over = new AbortController();
  const working = here ? runWorker(app.driver, app.opened.wakeups, over.signal) : null;
  try {
    return await watchAll(call, app, plans);
  } finally {
    over.abort();
    await working;
  }
}

async function watchAll(call: Call, app: App, plans: readonly Plan[]): Promise<number> {
  const interrupt = onInterrupt();
  try {
    const width = Math.max(...plans.map(({ service }) => service.length));
    const views = await Promise.all(
      plans.map(({ release, service }) =>
        follow(app.opened.store, release, {
          terminal: prefixed(call.terminal, service, width),
          clock: app.effects.clock,
          signal: interrupt.signal,
        }),
      ),
    );
    const seen = views.filter((view) => view !== null);
    for (const view of seen) await conclude(call, app, view);
    if (seen.length < views.length) {
      call.terminal.note(`\nNo longer watching; the releases go on where a worker drives them: slipway list`);
      return INTERRUPTED;
    }
    return Math.max(...seen.map(exitOf));
  } finally {
    interrupt.release();
  }
}

/** Lines of several releases, told apart; nothing is redrawn. */
function prefixed(terminal: Terminal, service: string, width: number): Terminal {
  const say = (text: string): void => terminal.say(text.replace(/^/gm, `${service.padEnd(width)}  `));
  return { ...terminal, live: false, say, data: (value) => terminal.data({ service, ...(value as object) }) };
}
