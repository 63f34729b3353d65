import type { FlagSet } from '../../packages/flags/src/core/definition.ts';
import { SlipwayError, toIso } from '../kernel/index.ts';
import { turnedOn, type Target } from './core/targets.ts';
import type { FlagChange, FlagStore } from './ports.ts';

/** Rows of the history read at once: a kill is nearly always among the newest few. */
const PAGE = 50;
const NEWEST = 5;
/** Flags asked about at once. */
const AT_ONCE = 8;

/** The kill by which a flag is off. */
export interface Kill {
  /** The newest; clients are waited for by this one. */
  readonly change: FlagChange;
  /** Since when it has been killed: the same, unless it was killed again since. */
  readonly first: FlagChange;
  /** The flag was on before it, so that taking it back turns the flag on. */
  readonly wasOn: boolean;
}

/** The newest kill of a flag that still holds; null when the flag is on, or off for another reason. */
export async function killOf(store: Pick<FlagStore, 'history'>, environment: string, key: string): Promise<Kill | null> {
  let newest: FlagChange | null = null;
  let first: FlagChange | null = null;
  let wasOn = false;
  for await (const change of historyOf(store, environment, key, NEWEST)) {
    const { before, after } = enabledIn(change, key);
    if (after !== false || change.action === 'undo-kill') break;
    if (change.action === 'kill') [newest, first] = [newest ?? change, change];
    wasOn = change.action === 'kill' && before === true;
    if (before !== false) break;
  }
  return newest && first && { change: newest, first, wasOn };
}

/** The kills of an environment that hold, by flag. Only flags that are off are asked about. */
export async function killsOf(store: Pick<FlagStore, 'history'>, { environment, flags }: FlagSet): Promise<ReadonlyMap<string, Kill>> {
  const off = Object.keys(flags).filter((key) => flags[key]?.enabled === false);
  const found = new Map<string, Kill>();
  for (let at = 0; at < off.length; at += AT_ONCE) {
    const some = off.slice(at, at + AT_ONCE);
    const kills = await Promise.all(some.map((key) => killOf(store, environment, key)));
    for (const [index, kill] of kills.entries()) if (kill !== null) found.set(some[index] ?? '', kill);
  }
  return found;
}

/** Who killed it, when and why: the first time, and the newest. */
export function killTexts({ first, change }: Kill): readonly string[] {
  const told = ({ actor, at, reason }: FlagChange): string => `by ${actor} at ${toIso(at)}: ${reason}`;
  return [`killed ${told(first)}`, ...(first.seq === change.seq ? [] : [`and again ${told(change)}`])];
}

/** Whether the flag was on before a change and after it; null: it was not there. */
function enabledIn({ writes }: FlagChange, key: string): { readonly before: boolean | null; readonly after: boolean | null } {
  const write = writes.find((one) => one.key === key && one.kind === 'flag');
  return write?.kind === 'flag'
    ? { before: write.before?.enabled ?? null, after: write.after?.enabled ?? null }
    : { before: false, after: false };
}

/** All changes of a flag or segment, newest first. */
export async function* historyOf(
  store: Pick<FlagStore, 'history'>,
  environment: string,
  key: string,
  firstPage = PAGE,
): AsyncGenerator<FlagChange> {
  let limit = firstPage;
  for (let before: number | undefined; ;) {
    const page = await store.history(environment, { key, limit, ...(before === undefined ? {} : { before }) });
    yield* page;
    if (page.length < limit) return;
    before = page.at(-1)?.seq;
    limit = PAGE;
  }
}

/** A killed flag is turned on by whoever takes the kill back, and by nothing else. @throws SlipwayError `not_possible_now` */
export async function refuseKilled(store: Pick<FlagStore, 'history'>, set: FlagSet, targets: readonly Target[]): Promise<void> {
  for (const key of turnedOn(set, targets)) {
    const killed = await killOf(store, set.environment, key);
    if (killed === null) continue;
    throw new SlipwayError('not_possible_now', `${key} was ${killTexts(killed).join('; ')}`, {
      hint: `When that is repaired, take it back with \`slipway flag unkill ${key} -e ${set.environment}\`.`,
    });
  }
}
