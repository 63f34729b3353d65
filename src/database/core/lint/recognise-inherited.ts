import { child } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { FormName } from './measured-facts.ts';
import type { Schema } from './schema.ts';
import type { Action } from './types.ts';

/** What is done to a table is done to those that inherit from it too; indexes, keys, triggers and rights are its own. */
const HANDED_DOWN: ReadonlySet<FormName> = new Set<FormName>([
  ...(['add column', 'add column default constant', 'add column default stable', 'add column default volatile'] as const),
  ...(['add column generated stored', 'add column generated virtual', 'add column serial', 'add column check'] as const),
  ...(['add column domain checked', 'add column required', 'drop column', 'set default', 'drop default', 'set not null'] as const),
  ...([
    'set not null checked',
    'drop not null',
    'change type free',
    'change type scan',
    'change type rewrite',
    'change type enum',
  ] as const),
  ...(['change type enum to text', 'rename column', 'add check', 'add check not valid', 'validate check', 'add not null'] as const),
  ...(['add not null not valid', 'drop check', 'set expression', 'truncate'] as const),
  ...(['add column generated virtual required', 'set expression virtual', 'set expression virtual required'] as const),
]);

/** The actions, and each that is handed down once more for every table that inherits; ONLY leaves those out. */
export function withInherited(actions: readonly Action[], { node }: Statement, schema: Schema): readonly Action[] {
  if (node['relation'] !== undefined && child(node, 'relation')['inh'] !== true) return actions;
  return actions.flatMap((one) => {
    const target = one.roles['target'];
    const handed = target !== undefined && (one.form === null ? one.node['mode'] !== undefined : HANDED_DOWN.has(one.form));
    return handed ? [one, ...heirsOf(target, schema).map((heir): Action => ({ ...one, roles: { ...one.roles, target: heir } }))] : [one];
  });
}

/** Every table that inherits from it, directly or by way of others. */
export function heirsOf(table: string, schema: Schema): readonly string[] {
  const found = new Set<string>();
  const open = [table];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const { name, parents } of schema.tables.values()) {
      if (!parents.includes(next) || found.has(name)) continue;
      found.add(name);
      open.push(name);
    }
  return [...found];
}
