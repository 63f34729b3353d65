import { SlipwayError } from '../../kernel/index.ts';
import type { Plan } from '../../release/index.ts';
import type { App } from '../compose.ts';
import { ask } from './control.ts';
import { makeHome } from '../places.ts';
import { withStore } from './shared/app.ts';
import { ensureDriver, type WorkerChoice } from './shared/driver.ts';
import { planRollback, type Wanted } from './shared/plan-rollback.ts';
import { sayPlanning } from './shared/planning.ts';
import { planSetRollback } from './shared/rollback-set.ts';
import { runPlans } from './shared/run-plan.ts';
import { parseSkips } from './shared/skips.ts';
import { configuredPlace, releasesInFlight, setHere, type Chosen } from './shared/which.ts';
import { flag, many, text, type Call, type Handler } from './spec.ts';

/** Orders a release in flight back; where none is, puts the version before the serving one back. The same for a set, as one. */
export const run: Handler = async (call) =>
  withStore(call, async (app) => {
    const { store } = app.opened;
    const skips = parseSkips(many(call, 'skip'));
    const chosen = await releasesInFlight(call, store);
    const states = await Promise.all(chosen.releases.map((release) => store.load(release)));
    if (states.some(({ summary }) => summary.finishedAt === null)) return orderBack(call, app, chosen, skips);
    if (flag(call, 'acceptDataLoss'))
      throw new SlipwayError(
        'not_possible_now',
        '--accept-data-loss is for a release in flight, and none is: a finished release keeps no backup that could be restored without losing more',
      );
    // To order one back the store is enough; a release of its own has source, artifacts and evidence here.
    makeHome(app.places.home);
    sayPlanning(call);
    const driver = (): Promise<boolean> => ensureDriver(call, app, (text(call, 'worker') ?? 'auto') as WorkerChoice);
    const plans = await planBack(call, app, chosen.releases[0] ?? null, { skips, driver });
    return runPlans(call, app, plans, await driver());
  });

function orderBack(call: Call, app: App, chosen: Chosen, skips: Readonly<Record<string, string>>): Promise<number> {
  const what = chosen.set === null ? `Release ${chosen.releases.join(', ')}` : `A release of the set ${chosen.set}`;
  if (text(call, 'to') !== undefined)
    throw new SlipwayError('not_possible_now', `${what} is in flight; it can only go back to where it came from`, {
      hint: 'Leave --to out, or wait for its end.',
    });
  if (Object.keys(skips).length > 0)
    throw new SlipwayError('not_possible_now', `${what} is in flight, and goes back by the plan it was started with`, {
      hint: 'Leave --skip out. Where a step of the way back stays broken, the release gets stuck and waits for you.',
    });
  return ask(call, app, chosen, { do: 'rollback', reason: text(call, 'reason') ?? '', acceptDataLoss: flag(call, 'acceptDataLoss') });
}

async function planBack(call: Call, app: App, finished: string | null, how: Pick<Wanted, 'skips' | 'driver'>): Promise<readonly Plan[]> {
  if (finished !== null)
    return [await planRollback(call, app, { ...how, finished, place: (await app.opened.store.load(finished)).summary })];
  const set = await setHere(call);
  if (set !== null) return planSetRollback(call, app, { ...set, ...how });
  return [await planRollback(call, app, { ...how, finished, place: await configuredPlace(call) })];
}
