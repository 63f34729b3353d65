import { SlipwayError } from '../../kernel/index.ts';
import { deleteFlag, flagOf } from '../../flags/index.ts';
import { withFlag } from './shared/flags.ts';
import { flag as given, type Handler } from './spec.ts';

/** Deletes a flag. One that serves somebody something is deleted only on demand: from then on code gets its own default. */
export const run: Handler = (call) =>
  withFlag(call, async ({ store, asked, environment, key }) => {
    const { flag, revision } = flagOf(await store.read(environment), key);
    if (flag.enabled && !given(call, 'force'))
      throw new SlipwayError('not_possible_now', `${key} is on in ${environment}; without it, code that asks for it gets its own default`, {
        hint: `Take it out of the code first, then \`slipway flag off ${key} -e ${environment}\`; or pass --force.`,
      });
    // Of that which was looked at: whoever turned it on in the meantime is not overruled.
    const { seq } = await deleteFlag(store, { ...asked, revision }, key);
    const { terminal } = call;
    if (terminal.json) terminal.data({ environment, seq, key });
    else terminal.say(`${key} is gone from ${environment}; \`slipway flag history ${key} -e ${environment}\` still tells of it.`);
    return 0;
  });
