import { SlipwayError, toIso } from '../../kernel/index.ts';
import { differences, type FlagChange } from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { renderHistory } from '../output/flag-history.ts';
import { withAppNow } from './shared/app.ts';
import { environmentOf } from './shared/flags.ts';
import { wholeNumber } from './shared/numbers.ts';
import { text, type Handler } from './spec.ts';

const USUAL = 20;
const MOST = 10_000;
const LAST_SEQ = 2_147_483_647;

/** Who changed what, when and why; newest first. */
export const run: Handler = async (call) => {
  const [key] = call.args;
  const environment = environmentOf(call);
  const [limit, before] = [text(call, 'limit'), text(call, 'before')];
  const query = {
    limit: limit === undefined ? USUAL : wholeNumber('--limit', limit, [1, MOST]),
    ...(key === undefined ? {} : { key }),
    ...(before === undefined ? {} : { before: wholeNumber('--before', before, [1, LAST_SEQ]) }),
  };
  return withAppNow(call, async ({ opened }) => {
    const changes = await opened.flags.history(environment, query);
    if (changes.length === 0 && key !== undefined && before === undefined)
      throw new SlipwayError('not_found', `There never was a flag or a segment ${key} in ${environment}`, {
        hint: '--env names another environment.',
      });
    const { terminal } = call;
    answer(terminal, { environment, changes: changes.map(documentOf) }, () => renderHistory(environment, changes, terminal.style));
    return 0;
  });
};

function documentOf(change: FlagChange): Readonly<Record<string, unknown>> {
  const writes = change.writes.map((write) => ({ ...write, differences: differences(write.before, write.after) }));
  return { ...change, at: toIso(change.at), writes };
}
