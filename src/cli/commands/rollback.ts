import { redactDeep, SlipwayError } from '../../kernel/index.ts';
import { prepareRollback, type Plan } from '../../release/index.ts';
import type { App } from '../compose.ts';
import { ask } from './control.ts';
import { actorOf, withApp } from './shared/app.ts';
import { ensureDriver, type WorkerChoice } from './shared/driver.ts';
import { chooseRollback } from './shared/rollback-target.ts';
import { sayPlanning } from './shared/planning.ts';
import { runPlan } from './shared/run-plan.ts';
import { parseSkips, refuseUnknownSkips } from './shared/skips.ts';
import { whyNotServing } from './shared/serving.ts';
import { configuredPlace, releaseInFlight } from './shared/which.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Orders a release in flight back; where none is, puts the version before the serving one back. */
export const run: Handler = async (call) =>
  withApp(call, async (app) => {
    const { store } = app.opened;
    const skips = parseSkips(many(call, 'skip'));
    const release = await releaseInFlight(call, store);
    const inFlight = release !== null && (await store.load(release)).summary.finishedAt === null;
    if (inFlight) {
      if (text(call, 'to') !== undefined)
        throw new SlipwayError('not_possible_now', `Release ${release} is in flight; it can only go back to where it came from`, {
          hint: 'Leave --to out, or wait for its end.',
        });
      if (Object.keys(skips).length > 0)
        throw new SlipwayError('not_possible_now', `Release ${release} is in flight, and goes back by the plan it was started with`, {
          hint: 'Leave --skip out. Where a step of the way back stays broken, the release gets stuck and waits for you.',
        });
      return ask(call, app, release, { do: 'rollback', reason: text(call, 'reason') ?? '', acceptDataLoss: flag(call, 'acceptDataLoss') });
    }
    if (flag(call, 'acceptDataLoss'))
      throw new SlipwayError(
        'not_possible_now',
        '--accept-data-loss is for a release in flight, and none is: a finished release keeps no backup that could be restored without losing more',
      );
    sayPlanning(call);
    const driver = (): Promise<boolean> => ensureDriver(call, app, (text(call, 'worker') ?? 'auto') as WorkerChoice);
    const plan = await planRollback(call, app, { finished: release, skips }, driver);
    const here = await driver();
    return runPlan(call, app, plan, here);
  });

interface Wanted {
  /** The finished release the user named. */
  readonly finished: string | null;
  readonly skips: Readonly<Record<string, string>>;
}

async function planRollback(call: Call, app: App, { finished, skips }: Wanted, driver: () => Promise<unknown>): Promise<Plan> {
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
  // The reasons may quote what stands in the variables file. One that cannot be read must not keep anybody from going back.
  await app.secrets.environmentFor(app.places.workspace, to.definition.envFile).catch(() => undefined);
  const plan = await prepareRollback(app.deps, {
    release: app.effects.ids.release(app.effects.clock.now()),
    workspace: app.places.workspace,
    requestedBy: actorOf(call.environment),
    node: app.places.node,
    service: place.service,
    environment: place.environment,
    to,
    current,
    skips: redactDeep(skips, app.effects.redact),
  });
  refuseUnknownSkips(skips, plan);
  return plan;
}
