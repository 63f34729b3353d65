import { withStore } from './shared/app.ts';
import { watchReleases } from './shared/run-plan.ts';
import { anyReleases, refuseNone } from './shared/which.ts';
import type { Handler } from './spec.ts';

/** Shows a release, or those of a set, live; or how it went when it is over. */
export const run: Handler = async (call) =>
  withStore(call, async (app) => {
    const chosen = await anyReleases(call, app.opened.store);
    return chosen.releases.length === 0 ? refuseNone() : watchReleases(call, app, chosen);
  });
