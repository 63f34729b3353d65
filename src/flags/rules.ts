import type { Rule } from '../../packages/flags/src/core/definition.ts';
import { same } from './core/same.ts';
import { historyOf } from './killed.ts';
import type { FlagChange, FlagStore, FlagWrite } from './ports.ts';

/** The change that made a rule of a flag what it is: before it there was none of that name, or another. Null: the history does not say. */
export async function ruleChange(
  store: Pick<FlagStore, 'history'>,
  { environment, key, rule }: { readonly environment: string; readonly key: string; readonly rule: string },
): Promise<FlagChange | null> {
  for await (const change of historyOf(store, environment, key)) {
    const write = change.writes.find((one) => one.kind === 'flag' && one.key === key);
    if (write?.kind === 'flag' && !same(ruleIn(write.before, rule), ruleIn(write.after, rule))) return change;
  }
  return null;
}

function ruleIn(flag: Extract<FlagWrite, { readonly kind: 'flag' }>['before'], name: string): Rule | null {
  return flag?.rules.find((rule) => rule.name === name) ?? null;
}
