import { toIso, SlipwayError } from '../../kernel/index.ts';
import { count } from '../output/table.ts';
import { withAppNow } from './shared/app.ts';
import { askedOf, environmentOf, needReason } from './shared/flags.ts';
import { text, type Handler } from './spec.ts';

/** Begins another history of flags, after the store was put back from a backup. */
export const run: Handler = async (call) => {
  const only = text(call, 'env') === undefined ? null : environmentOf(call);
  needReason(call, 'A reason is needed: which backup, and why');
  return withAppNow(call, async (app) => {
    const { flags } = app.opened;
    const environments = only === null ? await flags.environments() : [only];
    const asked = askedOf(call, app, only ?? '');
    const changes = [];
    for (const environment of environments) {
      const change = await flags.restored(environment, asked);
      if (change !== null) changes.push(change);
    }
    if (changes.length === 0)
      throw new SlipwayError('not_found', only === null ? 'There are no flags in this store' : `There never were flags in ${only}`);
    const { terminal } = call;
    if (terminal.json) terminal.data({ restored: changes.map(({ environment, seq, at }) => ({ environment, seq, at: toIso(at) })) });
    else {
      const lines = changes.map(({ environment, seq }) => `${environment} goes on after change ${seq}`);
      terminal.say(
        `Another history began in ${count(changes.length, 'environment')}: ${lines.join('; ')}. Clients take all flags anew as soon as they hear of it.`,
      );
    }
    return 0;
  });
};
