import { foldRamp } from '../../release/index.ts';
import { rampView, renderRamp } from '../output/ramps.ts';
import { withAppNow } from './shared/app.ts';
import { environmentOf } from './shared/flags.ts';
import { newestRamp, noteUndriven } from './shared/ramps.ts';
import type { Handler } from './spec.ts';

/** Ramps shown without a flag's name. */
const MOST = 50;

/** Shows one flag's newest ramp, or all ramps of the environment, newest first. */
export const run: Handler = async (call) => {
  const [key] = call.args;
  const environment = environmentOf(call);
  return withAppNow(call, async (app) => {
    const { opened, effects } = app;
    const ids = key === undefined ? await opened.ramps.list({ environment, limit: MOST }) : [];
    const states =
      key === undefined
        ? await Promise.all(ids.map(async (id) => foldRamp(await opened.ramps.load(id))))
        : [await newestRamp(app, environment, key)];
    const { terminal } = call;
    if (terminal.json) terminal.data({ ramps: states.map(rampView) });
    else if (states.length === 0) terminal.say(`There is no ramp in ${environment}. Start one with \`slipway ramp start\`.`);
    else terminal.say(states.map((state) => renderRamp(state, effects.clock.now(), terminal.style)).join('\n\n'));
    await noteUndriven(call, app, states);
    return 0;
  });
};
