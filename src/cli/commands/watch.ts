import { withApp } from './shared/app.ts';
import { watchRelease } from './shared/run-plan.ts';
import { anyRelease } from './shared/which.ts';
import type { Handler } from './spec.ts';

/** Shows a release live, or how it went when it is over. */
export const run: Handler = async (call) => withApp(call, async (app) => watchRelease(call, app, await anyRelease(call, app.opened.store)));
