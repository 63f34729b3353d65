import { SlipwayError } from '../../kernel/index.ts';
import { applyFiles, checkApply, planOf, problemsAfter, type ApplyPlan } from '../../flags/index.ts';
import { differenceDocument, leftDocument, leftText, renderDifferences, touchedBy } from '../output/flag-diff.ts';
import { count } from '../output/table.ts';
import { withAppNow } from './shared/app.ts';
import { besideServer, refuseProblems, refuseWrongFiles } from './shared/flag-files.ts';
import { askedOf, needReason, newEnvironmentOf, noteNewEnvironment } from './shared/flags.ts';
import { flag, many, type Handler } from './spec.ts';

/** Makes an environment of the server what the files say. */
export const run: Handler = async (call) => {
  const environment = await newEnvironmentOf(call);
  const dryRun = flag(call, 'dryRun');
  if (!dryRun)
    needReason(call, 'An apply needs a reason', 'Say why, in a few words: --reason "...". In CI, the pull request or the commit.');
  await refuseWrongFiles(call, environment);
  return withAppNow(call, async (app) => {
    const { terminal } = call;
    const asked = askedOf(call, app, environment);
    await noteNewEnvironment(call, app.opened.flags, environment);
    const { loaded, compared } = await besideServer(call, app, environment);
    const overwrite = overwriteOf(
      many(call, 'overwrite'),
      compared.judged.map((one) => one.difference.key),
    );
    const plan = planOf(compared, overwrite);
    refuseProblems(loaded, environment, problemsAfter(compared, plan));
    const { actor, reason } = asked;
    const deps = { store: app.opened.flags };
    if (!terminal.json)
      terminal.note(renderDifferences(touchedBy(plan, compared.judged), { environment, loaded, style: terminal.style, changes: 'server' }));
    // On a dry run the same is refused as on a real one.
    await checkApply(deps, compared, plan);
    if (dryRun) {
      if (terminal.json) terminal.data({ environment, dryRun, seq: null, ...documentOf(plan) });
      else terminal.say(`Nothing was written: this is a dry run. ${sentence(plan)}`);
      return 0;
    }
    const change = await applyFiles(deps, compared, { actor, reason, overwrite });
    if (terminal.json) terminal.data({ environment, dryRun, seq: change?.seq ?? null, ...documentOf(plan) });
    else if (change === null) terminal.say(`There is nothing to write in ${environment}. ${leftText(plan)}`.trimEnd());
    else
      terminal.say(
        `Wrote ${count(change.writes.length, 'difference')} to ${environment}, as change ${change.seq}. ${leftText(plan)}`.trimEnd(),
      );
    return 0;
  });
};

/** @throws SlipwayError `usage` for a key that does not differ */
function overwriteOf(given: readonly string[], keys: readonly string[]): ReadonlySet<string> {
  const strange = given.find((key) => !keys.includes(key));
  if (strange === undefined) return new Set(given);
  throw new SlipwayError('usage', `--overwrite ${strange}: that is no different on the server`, {
    hint: '`slipway flag diff` lists what is.',
  });
}

function documentOf({ applied, left }: ApplyPlan): object {
  return {
    applied: applied.map((difference) => differenceDocument({ difference, changedBy: null, known: null })),
    left: left.map(leftDocument),
  };
}

function sentence(plan: ApplyPlan): string {
  return `${count(plan.writes.length, 'difference')} would be. ${leftText(plan)}`.trimEnd();
}
