import { requireReasons } from '../../flags/index.ts';
import { SlipwayError } from '../../kernel/index.ts';
import { answer } from '../output/as-is.ts';
import { withAppNow } from './shared/app.ts';
import { askedOf, environmentOf, needReason, newEnvironmentOf, noteNewEnvironment } from './shared/flags.ts';
import { flag, type Call, type Handler } from './spec.ts';

/** Lets each change of an environment need a reason, or not any more; without options says whether it does. */
export const run: Handler = async (call) => {
  const wanted = wantedOf(call);
  const environment = wanted === true ? await newEnvironmentOf(call) : environmentOf(call);
  if (wanted !== null) needReason(call, 'A reason is needed for this too');
  return withAppNow(call, async (app) => {
    const store = app.opened.flags;
    await noteNewEnvironment(call, store, environment);
    const change = wanted === null ? null : await requireReasons(store, askedOf(call, app, environment), wanted);
    const required = wanted ?? (await store.needsReasons(environment));
    const document = { environment, required, changed: change !== null, seq: change?.seq ?? null };
    const so = required ? `Each change in ${environment} needs a reason` : `Changes in ${environment} need no reason`;
    answer(call.terminal, document, () => `${so}${wanted !== null && change === null ? '; it was so already' : ''}.`);
    return 0;
  });
};

function wantedOf(call: Call): boolean | null {
  const [required, optional] = [flag(call, 'required'), flag(call, 'optional')];
  if (required && optional) throw new SlipwayError('usage', '--required and --optional are two answers to one question');
  return required ? true : optional ? false : null;
}
