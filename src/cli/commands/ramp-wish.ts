import { refuseUnexplained } from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import type { NewRampEvent, RampState } from '../../release/index.ts';
import { withAppNow } from './shared/app.ts';
import { askedOf, environmentOf } from './shared/flags.ts';
import { newestRamp, noteUndriven } from './shared/ramps.ts';
import type { Handler } from './spec.ts';

type Wish = 'pause' | 'resume' | 'back' | 'promote' | 'cancel';

/** A command that records what a person asks of the ramp of a flag. */
function ask(wish: Wish): Handler {
  return async (call) => {
    const [key = ''] = call.args;
    const environment = environmentOf(call);
    return withAppNow(call, async (app) => {
      const { opened } = app;
      const state = await newestRamp(app, environment, key);
      const refusal = refusalOf(wish, state);
      if (refusal !== null)
        throw new SlipwayError('not_possible_now', `Cannot ${wish} the ramp of ${key} in ${environment}: ${refusal}`, {
          hint: 'See it with `slipway ramp status`.',
        });
      const { actor: by, reason } = askedOf(call, app, environment);
      await refuseUnexplained(opened.flags, { environment, reason });
      await opened.ramps.request(state.plan.ramp, by, eventOf(wish, state, reason));
      const { terminal } = call;
      if (terminal.json) terminal.data({ ramp: state.plan.ramp, flag: key, environment, requested: wish, by });
      else
        terminal.say(
          `Recorded: ${wish} of the ramp of ${key} in ${environment} by ${by}. See what becomes of it with \`slipway ramp status ${key} --env ${environment}\`.`,
        );
      await noteUndriven(call, app, [state]);
      return 0;
    });
  };
}

/** Why it makes no sense, or null. */
function refusalOf(wish: Wish, state: RampState): string | null {
  const { ended } = state;
  return ended === null ? REFUSALS[wish](state) : `it is over: ${ended.outcome}, ${ended.reason}`;
}

const REFUSALS: Readonly<Record<Wish, (state: RampState) => string | null>> = {
  pause: ({ paused }) => (paused === null ? null : `it is paused: ${paused.reason}`),
  resume: ({ paused }) => (paused === null ? 'it is not paused' : null),
  back: ({ open, set }) => ((open?.index ?? set?.index ?? 0) === 0 ? 'it is at its first step' : null),
  promote: ({ open, set, paused, look }) => {
    if (set === null || open !== null) return 'its step is being set';
    if (paused !== null) return 'it is paused; `slipway ramp resume` first';
    return look?.verdict === 'fail' ? 'its gate failed' : null;
  },
  cancel: () => null,
};

function eventOf(wish: Wish, { set }: RampState, reason: string): NewRampEvent {
  return wish === 'promote'
    ? { type: 'promote.requested', data: { reason, index: set?.index ?? 0 } }
    : { type: `${wish}.requested`, data: { reason } };
}

export const pause = ask('pause');
export const resume = ask('resume');
export const back = ask('back');
export const promote = ask('promote');
export const cancel = ask('cancel');
