import type { Flag } from '../../packages/flags/src/core/definition.ts';
import { same } from './core/same.ts';
import { historyOf } from './killed.ts';
import type { FlagChange, FlagStore } from './ports.ts';

interface Place {
  readonly environment: string;
  readonly key: string;
}

/** The newest change that made a part of a flag what it is. Null: the history does not say. */
async function changeOf(
  store: Pick<FlagStore, 'history'>,
  { environment, key }: Place,
  part: (flag: Flag | null) => unknown,
): Promise<FlagChange | null> {
  for await (const change of historyOf(store, environment, key)) {
    const write = change.writes.find((one) => one.kind === 'flag' && one.key === key);
    if (write?.kind === 'flag' && !same(part(write.before), part(write.after))) return change;
  }
  return null;
}

/** The change that made a rule what it is: before it there was none of that name, or another. Null: the history does not say. */
export function ruleChange(store: Pick<FlagStore, 'history'>, place: Place, rule: string): Promise<FlagChange | null> {
  return changeOf(store, place, (flag) => flag?.rules.find(({ name }) => name === rule) ?? null);
}

/** The change that turned off a flag that is off. Null: it was made so, or the history does not say. */
export async function turnedOffBy(store: Pick<FlagStore, 'history'>, place: Place): Promise<FlagChange | null> {
  const change = await changeOf(store, place, (flag) => flag?.enabled ?? null);
  const write = change?.writes.find((one) => one.kind === 'flag' && one.key === place.key);
  return write?.kind === 'flag' && write.before?.enabled === true ? change : null;
}
