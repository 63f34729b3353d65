import { child, isSet } from '../tree.ts';
import type { Statement } from '../types.ts';
import { boundComparisons } from './comparisons.ts';
import { action, located } from './recognise-parts.ts';
import { referencedBy, referringTo } from './recognise-references.ts';
import { knownPresent, type Schema } from './schema.ts';
import type { Action } from './types.ts';

type Node = Statement['node'];

interface Roles {
  readonly parent: string;
  readonly partition: string;
  readonly [role: string]: string;
}

/** ATTACH PARTITION: what is joined, and the default partition, whose rows might belong to it. */
export function attach(command: Node, roles: Roles, schema: Schema): readonly Action[] {
  const part = child(child(command, 'def'), 'PartitionCmd');
  const bound = child(part, 'bound');
  const promised = isPromised(bound, roles, schema);
  const at = located(child(part, 'name'));
  const own = referencedBy({ schema, table: roles.partition });
  return [
    action(promised === true ? 'attach partition checked' : 'attach partition', roles, command, at, {
      ...(promised === null ? { unsure: 'bounds' } : {}),
    }),
    ...referencedBy({ schema, table: roles.parent }).map((referenced) =>
      action(own.includes(referenced) ? 'attach partition with own key' : 'attach partition referencing', { referenced }, command),
    ),
    ...besideDefault('attach partition with default', command, { bound, parent: roles.parent, schema }),
  ];
}

/** CREATE TABLE ... PARTITION OF. */
export function createPartOf(node: Node, parent: string, schema: Schema): readonly Action[] {
  return [
    action('create table partition of', { parent }, node),
    ...referencedBy({ schema, table: parent }).map((referenced) => action('create table partition of referencing', { referenced }, node)),
    ...besideDefault('create table partition of with default', node, { bound: child(node, 'partbound'), parent, schema }),
  ];
}

/** DETACH PARTITION: keys of other tables that reference the whole are checked for rows of the part. */
export function detach(command: Node, roles: Roles, schema: Schema): readonly Action[] {
  const part = child(child(command, 'def'), 'PartitionCmd');
  const concurrent = isSet(part, 'concurrent');
  const children = new Set(referringTo({ schema, table: roles.parent }).map((one) => one.child.name));
  return [
    action(concurrent ? 'detach partition concurrently' : 'detach partition', roles, command, located(child(part, 'name'))),
    ...(concurrent ? [] : [...children].map((one) => action('detach partition referenced', { child: one }, command))),
  ];
}

/** DROP TABLE of a partition locks the table it is part of. */
export function dropPart(name: string, node: Node, schema: Schema): readonly Action[] {
  return [...schema.tables.values()]
    .filter(({ partitioned }) => partitioned?.parts.has(name) === true)
    .map((parent) => action('drop table partition', { parent: parent.name, partition: name }, node));
}

interface Beside {
  readonly bound: Node;
  readonly parent: string;
  readonly schema: Schema;
}

function besideDefault(
  form: 'attach partition with default' | 'create table partition of with default',
  node: Node,
  { bound, parent, schema }: Beside,
): readonly Action[] {
  const rest = schema.tables.get(parent)?.partitioned?.rest ?? null;
  return rest === null || isSet(bound, 'is_default') ? [] : [action(form, { default_partition: rest }, node)];
}

/** Do valid constraints of the partition say what the bounds say? Null where its CHECKs may, and nobody knows the key. */
function isPromised(bound: Node, { parent, partition }: Roles, schema: Schema): boolean | null {
  const checks = [...(schema.tables.get(partition)?.constraints.values() ?? [])].filter(({ kind, valid }) => kind === 'check' && valid);
  const said = checks.flatMap(({ compares }) => compares);
  const columns = schema.tables.get(parent)?.partitioned?.columns ?? [];
  const wanted = boundComparisons(bound, columns);
  if (wanted === null) return said.length > 0 ? null : false;
  return wanted.every((one) => said.includes(one)) && columns.every((column) => knownPresent(schema, partition, column));
}
