import { ERRORS } from '../../kernel/index.ts';
import { planOf } from '../../flags/index.ts';
import { differenceDocument, leftDocument, leftText, renderDifferences, touchedBy } from '../output/flag-diff.ts';
import { withAppNow } from './shared/app.ts';
import { besideServer, refuseWrongFiles } from './shared/flag-files.ts';
import { environmentOf } from './shared/flags.ts';
import type { Handler } from './spec.ts';

/** Says what an apply would do to an environment of the server; what it would leave as it is, is no difference for the exit code. */
export const run: Handler = async (call) => {
  const environment = environmentOf(call);
  await refuseWrongFiles(call, environment);
  return withAppNow(call, async (app) => {
    const { terminal } = call;
    const { loaded, compared } = await besideServer(call, app, environment);
    const plan = planOf(compared, new Set());
    const touched = touchedBy(plan, compared.judged);
    const left = leftText(plan);
    if (terminal.json) {
      const { seq } = compared.stored.set;
      terminal.data({ environment, seq, differences: touched.map((one) => differenceDocument(one)), left: plan.left.map(leftDocument) });
    } else if (touched.length === 0 && left !== '') terminal.say(`There is nothing to write in ${environment}. ${left}`);
    else
      terminal.say(
        `${renderDifferences(touched, { environment, loaded, style: terminal.style, changes: 'server' })}${left === '' ? '' : `\n${left}`}`,
      );
    return touched.length === 0 ? 0 : ERRORS.gate_blocked.exit;
  });
};
