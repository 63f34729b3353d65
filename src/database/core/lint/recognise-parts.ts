import { findAll, nameParts, children } from '../tree.ts';
import type { Statement } from '../types.ts';
import type { FormName } from './measured-facts.ts';
import type { Action, Detail, Draft } from './types.ts';

type Node = Statement['node'];

/** Puts an action together, leaving out what is not there. */
// oxlint-disable-next-line max-params -- every caller has all of them
export function action(form: FormName | null, roles: Readonly<Record<string, string>>, node: Node, at?: number, detail?: Detail): Action {
  return { form, roles, node, ...(at === undefined ? {} : { at }), ...(detail === undefined ? {} : { detail }) };
}

/** The byte of the file at which a node begins, where the tree tells it. */
export function located(node: Node): number | undefined {
  const at = node['location'];
  return typeof at === 'number' && at >= 0 ? at : undefined;
}

/** What of a place is known. */
export function placed(at: number | undefined, relation: string | undefined): Pick<Draft, 'at' | 'relation'> {
  return { ...(at === undefined ? {} : { at }), ...(relation === undefined ? {} : { relation }) };
}

/** Every column an expression mentions. */
export function mentioned(value: Node[string] | readonly Node[]): readonly string[] {
  return findAll(value ?? null, ['ColumnRef'])
    .map(({ node }) => nameParts(children(node, 'fields')).at(-1) ?? '')
    .filter((name) => name !== '');
}
