import { SlipwayError } from '../../kernel/index.ts';
import { flagOf, splitAfter, withoutRule, withRule, type Flag, type RulePlace, type Serve } from '../../flags/index.ts';
import { answer } from '../output/as-is.ts';
import { renderRules } from '../output/flags.ts';
import { change } from './flag-set.ts';
import { conditionOf } from './shared/condition.ts';
import { weightsOf, withFlag } from './shared/flags.ts';
import { flag as given, text, type Call, type Handler } from './spec.ts';

const OF_A_RULE = ['when', 'serve', 'split', 'by', 'first', 'before'] as const;

/** Adds, changes, moves or removes a rule; without options shows them. */
export const run: Handler = async (call) => {
  const [rule, removed] = [text(call, 'rule'), text(call, 'remove')];
  if (rule !== undefined && removed !== undefined) throw new SlipwayError('usage', '--rule and --remove are two commands');
  const aboutRule = OF_A_RULE.find((name) => text(call, name) !== undefined || given(call, name));
  if (rule === undefined && aboutRule !== undefined)
    throw new SlipwayError('usage', `--${aboutRule} needs --rule: the name of the rule that is added or changed`);
  const edit = removed !== undefined ? (flag: Flag) => withoutRule(flag, removed) : rule === undefined ? null : await ruleEdit(call, rule);
  return withFlag(call, async (setting) => {
    if (edit !== null) return change(call, setting, edit);
    const { flag, revision } = flagOf(await setting.store.read(setting.environment), setting.key);
    const { environment, key } = setting;
    answer(call.terminal, { environment, key, revision, rules: flag.rules, default: flag.default }, () => renderRules(flag));
    return 0;
  });
};

/** What of a rule is not named stays as it was; a new one needs both. */
async function ruleEdit(call: Call, name: string): Promise<(flag: Flag) => Flag> {
  const condition = text(call, 'when');
  const when = condition === undefined ? null : await conditionOf(call, condition);
  const serve = serveOf(call);
  const place = placeOf(call);
  return (flag) => {
    const before = flag.rules.find((rule) => rule.name === name);
    const rule = { name, when: when ?? before?.when, serve: serve(before?.serve ?? null) ?? before?.serve };
    if (rule.when === undefined || rule.serve === undefined)
      throw new SlipwayError('usage', `The rule ${name} is new, so --when and --serve (or --split) are needed`, {
        hint: "Such as --when '{ attribute: plan, eq: pro }' --serve on.",
      });
    return withRule(flag, { ...rule, when: rule.when, serve: rule.serve }, place);
  };
}

/** What is to be served, given what was. */
function serveOf(call: Call): (before: Serve | null) => Serve | null {
  const [variant, split, by] = [text(call, 'serve'), text(call, 'split'), text(call, 'by') ?? null];
  if (variant !== undefined && split !== undefined) throw new SlipwayError('usage', '--serve and --split are two answers to one question');
  const weights = split === undefined ? null : weightsOf(split);
  if (weights !== null) return (before) => splitAfter(before, weights, by);
  if (by !== null) throw new SlipwayError('usage', '--by needs --split');
  return () => (variant === undefined ? null : { variant });
}

function placeOf(call: Call): RulePlace {
  const before = text(call, 'before');
  if (before === undefined) return { at: given(call, 'first') ? 'front' : 'usual' };
  if (given(call, 'first')) throw new SlipwayError('usage', '--first and --before are two places');
  return { before };
}
