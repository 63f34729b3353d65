import { child, children, nameParts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { isFresh } from './impact.ts';
import { plainName, relationKey } from './schema.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];
type Check = (node: Node, context: Context) => readonly Draft[];

/** What the version that serves would notice of changes to what is no table: views, functions, types, sequences, extensions. */
export function checkAltered(context: Context): readonly Draft[] {
  return CHECKS[context.statement.kind]?.(context.statement.node, context) ?? [];
}

const CHECKS: Readonly<Record<string, Check>> = {
  AlterObjectSchemaStmt: movedToSchema,
  AlterFunctionStmt: (node, { schema, file }) => {
    const name = listed(child(node, 'func'), 'objname');
    if (schema.functions.get(name)?.file === file.index) return [];
    return [{ rule: 'replace-object', message: `function ${name} runs otherwise from now on` }];
  },
  AlterExtensionStmt: (node) => [
    { rule: 'replace-object', message: `extension ${textOf(node, 'extname')} is of another version from now on, and so are its functions` },
  ],
  AlterSeqStmt: (node, { schema, file }) => {
    const sequence = relationKey(child(node, 'sequence'));
    if (isFresh(sequence, schema, file)) return [];
    const counts = children(node, 'options').some((one) => COUNTS.has(textOf(child(one, 'DefElem'), 'defname')));
    return counts ? [{ rule: 'set-default', message: `sequence ${sequence} counts otherwise from now on` }] : [];
  },
  AlterDomainStmt: domain,
  AlterTableStmt: (node, context) => children(node, 'cmds').flatMap((one) => commanded(child(one, 'AlterTableCmd'), node, context)),
  RenameStmt: (node) => {
    if (textOf(node, 'renameType') !== 'OBJECT_ATTRIBUTE') return [];
    const type = relationKey(child(node, 'relation'));
    return [{ rule: 'rename-column', message: `${type}.${textOf(node, 'subname')} is renamed`, relation: type }];
  },
};

const listed = (node: Node, key: string): string => plainName(nameParts(children(node, key)).join('.'));

/** What a sequence gives out depends on them. */
const COUNTS: ReadonlySet<string> = new Set(['increment', 'minvalue', 'maxvalue', 'cycle', 'start', 'as']);

/** Relations are named in every query; other things seldom are. */
const RELATIONS: ReadonlySet<string> = new Set(['OBJECT_VIEW', 'OBJECT_MATVIEW', 'OBJECT_FOREIGN_TABLE']);

function movedToSchema(node: Node, { schema, file }: Context): readonly Draft[] {
  const type = textOf(node, 'objectType');
  // Tables have locks too, and are told with them.
  if (type === 'OBJECT_TABLE' || type === 'OBJECT_EXTENSION') return [];
  const relation = relationKey(child(node, 'relation'));
  if (relation !== '' && isFresh(relation, schema, file)) return [];
  const object = child(node, 'object');
  const name = relation === '' ? listed(child(object, 'List'), 'items') || listed(child(object, 'ObjectWithArgs'), 'objname') : relation;
  return [
    {
      rule: 'set-schema',
      message: `${name} moves to schema ${textOf(node, 'newschema')}`,
      ...(RELATIONS.has(type) ? { relation } : { severity: 'notice' }),
    },
  ];
}

function domain(node: Node): readonly Draft[] {
  const name = listed(node, 'typeName');
  switch (textOf(node, 'subtype')) {
    case 'T':
      return node['def'] === undefined
        ? [{ rule: 'drop-default', message: `columns of domain ${name} have no default of it any more` }]
        : [{ rule: 'set-default', message: `the default of domain ${name} changes` }];
    case 'N':
      return [{ rule: 'drop-not-null', message: `values of domain ${name} may be NULL from now on` }];
    case 'X':
      return [{ rule: 'drop-constraint', message: `a constraint of domain ${name} is dropped` }];
    default:
      return [];
  }
}

function commanded(command: Node, node: Node, context: Context): readonly Draft[] {
  const relation = relationKey(child(node, 'relation'));
  if (isFresh(relation, context.schema, context.file)) return [];
  const subtype = textOf(command, 'subtype');
  switch (textOf(node, 'objtype')) {
    case 'OBJECT_TABLE':
      return left(command, relation);
    case 'OBJECT_VIEW':
    case 'OBJECT_FOREIGN_TABLE':
      return ofView(command, relation);
    case 'OBJECT_TYPE':
      return subtype === 'AT_DropColumn'
        ? [{ rule: 'drop-column', message: `${relation}.${textOf(command, 'name')} is dropped, with what is in it`, relation }]
        : [{ rule: 'changes-writes', message: `values of type ${relation} have other attributes from now on`, relation }];
    default:
      return [];
  }
}

/** What inherits no more, or is no partition any more, is not read with the whole. */
function left(command: Node, relation: string): readonly Draft[] {
  const part = relationKey(child(child(child(command, 'def'), 'PartitionCmd'), 'name'));
  const parent = relationKey(child(child(command, 'def'), 'RangeVar'));
  switch (textOf(command, 'subtype')) {
    case 'AT_DetachPartition':
      return [{ rule: 'changes-writes', message: `${relation} shows the rows of ${part} no more`, relation }];
    case 'AT_DropInherit':
      return [{ rule: 'changes-writes', message: `${parent} shows the rows of ${relation} no more`, relation: parent }];
    default:
      return [];
  }
}

function ofView(command: Node, relation: string): readonly Draft[] {
  const column = `${relation}.${textOf(command, 'name')}`;
  switch (textOf(command, 'subtype')) {
    case 'AT_ColumnDefault':
      return command['def'] === undefined
        ? [{ rule: 'drop-default', message: `${column} has no default any more`, relation }]
        : [{ rule: 'set-default', message: `the default of ${column} changes`, relation }];
    case 'AT_SetRelOptions':
    case 'AT_ResetRelOptions':
      return [{ rule: 'changes-writes', message: `${relation} shows or takes other rows from now on`, relation }];
    case 'AT_DropColumn':
      return [{ rule: 'drop-column', message: `${column} is dropped: release a version that does not use it first`, relation }];
    case 'AT_SetNotNull':
      return [{ rule: 'new-constraint', message: `${column} is promised to have no NULL, which nobody checks`, relation }];
    default:
      return [];
  }
}
