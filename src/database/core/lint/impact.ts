import { factsOf, LOCK_MODES, type LockMode } from './measured-facts.ts';
import type { Schema } from './schema.ts';
import type { Action, FileFacts, Impact, LintOptions } from './types.ts';

/** What an action does to relations that may be in use: those this file made are nobody's yet. */
export function impactOf(recognised: Action, schema: Schema, file: FileFacts, options: LintOptions): Impact {
  const action = asOfNewTable(recognised, (name) => isFresh(name, schema, file));
  const facts = action.form === null ? null : factsOf(action.form, options.version);
  const live = (part: string): readonly string[] => {
    const name = action.roles[part];
    // The index is not what users notice, when its table is known.
    if (part === 'an_index' && action.roles['target'] !== undefined) return [];
    return name === undefined || isFresh(name, schema, file) ? [] : [name];
  };
  if (facts === null)
    return {
      action,
      facts,
      locks: namedLock(action).flatMap(({ part, mode }) => live(part).map((relation) => ({ relation, mode }))),
      scans: [],
      rewrites: [],
    };
  const locks = Object.entries(facts.locks).flatMap(([part, mode]) => live(part).map((relation) => ({ relation, mode })));
  return {
    action,
    facts,
    locks: strongest(locks),
    scans: unique(facts.scans.flatMap(live)),
    rewrites: unique(facts.rewrites.flatMap(live)),
  };
}

/** One table may play two parts, as where a foreign key references its own. */
function strongest(locks: Impact['locks']): Impact['locks'] {
  return locks.filter(({ relation, mode }, index) =>
    locks.every(
      (other, at) =>
        other.relation !== relation || LOCK_MODES.indexOf(other.mode) < LOCK_MODES.indexOf(mode) || (other.mode === mode && at >= index),
    ),
  );
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)];

/** LOCK TABLE says itself which lock it takes. */
function namedLock({ form, node }: Action): readonly { readonly part: string; readonly mode: LockMode }[] {
  const mode = form === null && typeof node['mode'] === 'number' ? LOCK_MODES[node['mode'] - 1] : undefined;
  return mode === undefined ? [] : [{ part: 'target', mode }];
}

/** A foreign key of a table without rows has nothing to check, and leaves the referenced table unread. */
function asOfNewTable(action: Action, fresh: (name: string) => boolean): Action {
  const target = action.roles['target'];
  return action.form === 'add foreign key' && target !== undefined && fresh(target)
    ? { ...action, form: 'add foreign key from new table' }
    : action;
}

/** Was it made by this same file, or is it only this session's? */
export function isFresh(name: string, schema: Schema, file: FileFacts): boolean {
  const made = schema.tables.get(name);
  if (made !== undefined)
    return made.temporary || made.file === file.index || (made.transaction !== null && made.transaction === file.transaction);
  const view = schema.views.get(name) ?? schema.domains.get(name);
  if (view !== undefined) return view.file === file.index;
  if (schema.others.get(name) === file.index) return true;
  const index = schema.indexes.get(name);
  return index !== undefined && isFresh(index.table, schema, file);
}

/** Does the lock keep writers out? */
export function keepsWritersOut(mode: LockMode): boolean {
  return LOCK_MODES.indexOf(mode) >= LOCK_MODES.indexOf('SHARE');
}

/** Does the lock keep everybody out, readers too? */
export function keepsAllOut(mode: LockMode): boolean {
  return mode === 'ACCESS EXCLUSIVE';
}
