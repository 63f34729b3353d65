import { child, children, nameParts, textOf } from '../tree.ts';
import { pathValue, UNKNOWN_PATH } from './search-path.ts';
import type { Statement } from '../types.ts';

/** The settings a statement puts back to what the server says; `*` for all. */
export function resetBy({ kind, node }: Statement): string | null {
  if (kind !== 'VariableSetStmt') return null;
  const how = textOf(node, 'kind');
  if (how === 'VAR_RESET_ALL') return '*';
  return how === 'VAR_RESET' || how === 'VAR_SET_DEFAULT' ? textOf(node, 'name').toLowerCase() : null;
}

/** A setting a statement makes; null for another statement. */
export function settingOf({ kind, node }: Statement): { readonly name: string; readonly value: string; readonly local: boolean } | null {
  if (kind === 'VariableSetStmt') {
    const name = textOf(node, 'name').toLowerCase();
    if (name === 'search_path') return { name, value: pathValue(node), local: node['is_local'] === true };
    const value = textOf(node, 'kind') === 'VAR_SET_VALUE' ? constantText(child(children(node, 'args')[0] ?? {}, 'A_Const')) : '';
    return { name, value, local: node['is_local'] === true };
  }
  return kind === 'SelectStmt' ? settingOfCall(node) : null;
}

/** `SELECT set_config(name, value, is_local)`. */
function settingOfCall(node: Statement['node']): ReturnType<typeof settingOf> {
  const call = child(child(child(children(node, 'targetList')[0] ?? {}, 'ResTarget'), 'val'), 'FuncCall');
  if (nameParts(children(call, 'funcname')).at(-1) !== 'set_config') return null;
  const args = children(call, 'args');
  const [name, value, local] = args.map((one) => constantText(child(one, 'A_Const')));
  if (name === 'search_path' && args[1]?.['A_Const'] === undefined) return { name, value: UNKNOWN_PATH, local: local === 'true' };
  return { name: (name ?? '').toLowerCase(), value: value ?? '', local: local === 'true' };
}

function constantText(constant: Statement['node']): string {
  const text = textOf(child(constant, 'sval'), 'sval');
  if (text !== '') return text;
  if (constant['boolval'] !== undefined) return child(constant, 'boolval')['boolval'] === true ? 'true' : 'false';
  const number = child(constant, 'ival')['ival'];
  return constant['ival'] === undefined ? '' : `${typeof number === 'number' ? number : 0}`;
}

const UTC = /^(?:etc\/)?(?:utc|uct|universal|zulu|gmt)$/i;

/** Is a TimeZone UTC? */
export function isUtc(zone: string): boolean {
  return UTC.test(zone);
}

const UNITS: Readonly<Record<string, number>> = { '': 1, us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A timeout's value in milliseconds; null when it is none. Zero means no limit. */
export function milliseconds(value: string): number | null {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)?\s*$/.exec(value) ?? [];
  return number === undefined ? null : Number(number) * (UNITS[unit] ?? 1);
}
