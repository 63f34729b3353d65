import { SlipwayError } from '../../kernel/index.ts';
import { prepareRollback, type Plan } from '../../release/index.ts';
import type { App } from '../compose.ts';
import { ask } from './control.ts';
import { actorOf, withApp } from './shared/app.ts';
import { ensureDriver, type WorkerChoice } from './shared/driver.ts';
import { chooseRollback } from './shared/rollback-target.ts';
import { runPlan } from './shared/run-plan.ts';
import { whyNotServing } from './shared/serving.ts';
import { configuredPlace, releaseInFlight } from './shared/which.ts';
import { flag, text, type Call, type Handler } from './spec.ts';

/** Orders a release in flight back; where none is, puts the version before the serving one back. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const { store } = app.opened;
    const release = await releaseInFlight(call, store);
    const inFlight = release !== null && (await store.load(release)).summary.finishedAt === null;
    if (inFlight) {
      if (text(call, 'to') !== undefined)
        throw new SlipwayError('not_possible_now', `Release ${release} is in flight; it can only go back to where it came from`, {
          hint: 'Leave --to out, or wait for its end.',
        });
      return ask(call, app, release, { do: 'rollback', reason: text(call, 'reason') ?? '', acceptDataLoss: flag(call, 'acceptDataLoss') });
    }
    if (flag(call, 'acceptDataLoss'))
      throw new SlipwayError(
        'not_possible_now',
        '--accept-data-loss is for a release in flight, and none is: a finished release keeps no backup that could be restored without losing more',
      );
    const driver = (): Promise<boolean> => ensureDriver(call, app, (text(call, 'worker') ?? 'auto') as WorkerChoice);
    const plan = await planRollback(call, app, release, driver);
    const here = await driver();
    return runPlan(call, app, plan, here);
  });

async function planRollback(call: Call, app: App, finished: string | null, driver: () => Promise<unknown>): Promise<Plan> {
  const { store } = app.opened;
  const place = finished === null ? await configuredPlace(call) : (await store.load(finished)).summary;
  const { to, current } = await chooseRollback(store, {
    service: place.service,
    environment: place.environment,
    finished,
    version: text(call, 'to') ?? null,
    node: app.places.node,
    serves: async (version) => {
      // An agent that was only stopped brings back what it supervised.
      await driver();
      return (await whyNotServing(app, version)) === null;
    },
  });
  return prepareRollback(app.deps, {
    release: app.effects.ids.release(app.effects.clock.now()),
    workspace: app.places.workspace,
    requestedBy: actorOf(call.environment),
    node: app.places.node,
    service: place.service,
    environment: place.environment,
    to,
    current,
  });
}
