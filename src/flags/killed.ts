import type { FlagSet } from '../../packages/flags/src/core/definition.ts';
import { SlipwayError, toIso } from '../kernel/index.ts';
import { onInDisguise, turnedOn, type Target } from './core/targets.ts';
import type { FlagChange, FlagStore } from './ports.ts';

/** Rows of the history read at once: a kill is nearly always among the newest few. */
const PAGE = 50;
const NEWEST = 5;

/** The kill by which a flag is off. */
export interface Kill {
  /** The newest; clients are waited for by this one. */
  readonly change: FlagChange;
  /** Since when it has been killed: the same, unless it was killed again since. */
  readonly first: FlagChange;
  /** The flag was on before it, so that taking it back turns the flag on. */
  readonly wasOn: boolean;
}

/** Reads a flag's history backwards, change by change, until it is known whether a kill holds. */
function readKill(key: string): { readonly take: (change: FlagChange) => boolean; readonly kill: () => Kill | null } {
  let newest: FlagChange | null = null;
  let first: FlagChange | null = null;
  let wasOn = false;
  return {
    /** False when the rest says nothing more. */
    take: (change) => {
      const { before, after } = enabledIn(change, key);
      if (after !== false || change.action === 'undo-kill') return false;
      if (change.action === 'kill') [newest, first] = [newest ?? change, change];
      wasOn = change.action === 'kill' && before === true;
      return before === false;
    },
    kill: () => newest && first && { change: newest, first, wasOn },
  };
}

/** The newest kill of a flag that still holds; null when the flag is on, or off for another reason. */
export async function killOf(store: Pick<FlagStore, 'history'>, environment: string, key: string): Promise<Kill | null> {
  const { take, kill } = readKill(key);
  for await (const change of historyOf(store, environment, key, NEWEST)) if (!take(change)) break;
  return kill();
}

/** The kills of an environment that hold, by flag: one question for all that are off, and one more for each with a long story. */
export async function killsOf(
  store: Pick<FlagStore, 'history' | 'newestOf'>,
  { environment, flags }: FlagSet,
): Promise<ReadonlyMap<string, Kill>> {
  const off = Object.keys(flags).filter((key) => flags[key]?.enabled === false);
  const newest = byFlag(off.length === 0 ? [] : await store.newestOf(environment, off, NEWEST));
  const found = new Map<string, Kill>();
  for (const key of off) {
    // What is beyond is there for the sake of another flag, and may have gaps.
    const changes = (newest.get(key) ?? []).slice(0, NEWEST);
    const { take, kill } = readKill(key);
    const isOpen = changes.every(take) && changes.length === NEWEST;
    const known = isOpen ? await killOf(store, environment, key) : kill();
    if (known !== null) found.set(key, known);
  }
  return found;
}

function byFlag(changes: readonly FlagChange[]): ReadonlyMap<string, readonly FlagChange[]> {
  const found = new Map<string, FlagChange[]>();
  for (const change of changes) {
    for (const { kind, key } of change.writes) {
      if (kind === 'flag') found.set(key, [...(found.get(key) ?? []), change]);
    }
  }
  return found;
}

/** May a change have begun or ended a kill of the flag? By any other it is killed as it was, or not. */
export function mayTurn(change: FlagChange, key: string): boolean {
  const { before, after } = enabledIn(change, key);
  return before !== after || change.action === 'kill' || change.action === 'undo-kill';
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

/**
 * A killed flag is turned on by whoever takes the kill back, and by nothing else: neither as such, nor by what it serves while it is off.
 * @throws SlipwayError `not_possible_now`
 */
export async function refuseKilled(store: Pick<FlagStore, 'history'>, set: FlagSet, targets: readonly Target[]): Promise<void> {
  for (const key of [...turnedOn(set, targets), ...onInDisguise(set, targets)]) {
    const killed = await killOf(store, set.environment, key);
    if (killed === null) continue;
    throw new SlipwayError('not_possible_now', `${key} was ${killTexts(killed).join('; ')}`, {
      hint: `When that is repaired, take it back with \`slipway flag unkill ${key} -e ${set.environment} --reason ...\`.`,
    });
  }
}
