import { SlipwayError } from '../../kernel/index.ts';
import { explainFlag } from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { renderExplanation } from '../output/flag-explain.ts';
import { documentOf } from './shared/condition.ts';
import { withFlag } from './shared/flags.ts';
import { wholeNumber } from './shared/numbers.ts';
import { text, type Handler } from './spec.ts';

const LAST_SEQ = 2_147_483_647;

/** Says why somebody gets what they get, now or after an earlier change. */
export const run: Handler = async (call) => {
  const [given, user, at] = [text(call, 'context'), text(call, 'user'), text(call, 'at')];
  if (given === undefined && user === undefined)
    throw new SlipwayError('usage', '--context or --user is needed: whom the flag is asked for', {
      hint: `Such as --context '{"targetingKey": "user-1", "plan": "pro"}'.`,
    });
  const seq = at === undefined ? null : wholeNumber('--at', at, [0, LAST_SEQ]);
  const context = {
    ...(given === undefined ? {} : await documentOf(call, '--context', given)),
    ...(user === undefined ? {} : { targetingKey: user }),
  };
  return withFlag(call, async ({ store, environment, key }) => {
    const explanation = await explainFlag(store, { environment, key, context, seq });
    answer(call.terminal, explanation, () => renderExplanation(explanation, call.terminal.style));
    return 0;
  });
};
