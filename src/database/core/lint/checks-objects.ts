import { child, children, nameParts, restarts, textOf } from '../tree.ts';
import type { Statement } from '../types.ts';
import { checkAltered } from './checks-altered.ts';
import { isFresh } from './impact.ts';
import type { RuleId } from './rules.ts';
import { plainName, relationKey } from './schema.ts';
import type { Context, Draft } from './types.ts';

type Node = Statement['node'];

/** What the version that serves would notice of statements about whole objects, and of rights. */
export function checkObjects(context: Context): readonly Draft[] {
  return [...(STATEMENTS[context.statement.kind]?.(context.statement.node, context) ?? []), ...checkAltered(context)];
}

const STATEMENTS: Readonly<Record<string, (node: Node, context: Context) => readonly Draft[]>> = {
  DropStmt: dropped,
  DropOwnedStmt: () => [{ rule: 'drop-cascade', message: 'everything a role owns is dropped' }],
  IndexStmt: (node, { schema, file }) => {
    const relation = relationKey(child(node, 'relation'));
    return node['unique'] === true && !isFresh(relation, schema, file)
      ? [{ rule: 'new-constraint', message: `a unique index of ${relation} may refuse rows`, relation }]
      : [];
  },
  ViewStmt: (node, { schema, file }) =>
    replaced(node, `view ${relationKey(child(node, 'view'))}`, isFresh(relationKey(child(node, 'view')), schema, file)),
  CreateFunctionStmt: (node, { schema, file }) => {
    const name = plainName(nameParts(children(node, 'funcname')).join('.'));
    return replaced(node, `function ${name}`, schema.functions.get(name)?.file === file.index);
  },
  GrantStmt: (node) => (node['is_grant'] === true ? [] : [{ rule: 'change-rights', message: 'a right is taken away' }]),
  GrantRoleStmt: (node) => (node['is_grant'] === true ? [] : [{ rule: 'change-rights', message: 'the rights of a role are taken away' }]),
  AlterOwnerStmt: () => [{ rule: 'change-rights', message: 'it gets another owner' }],
  AlterDomainStmt: (node) =>
    ['C', 'O'].includes(textOf(node, 'subtype'))
      ? [
          {
            rule: 'new-constraint',
            message: `domain ${plainName(nameParts(children(node, 'typeName')).join('.'))} may refuse values from now on`,
          },
        ]
      : [],
  RefreshMatViewStmt: (node) =>
    node['skipData'] === true
      ? [{ rule: 'drop-view', message: `${relationKey(child(node, 'relation'))} cannot be read until it is filled again` }]
      : [],
  AlterDefaultPrivilegesStmt: (node) =>
    child(node, 'action')['is_grant'] === true ? [] : [{ rule: 'change-rights', message: 'a right on what is made later is taken away' }],
  AlterSeqStmt: (node, { schema, file }) =>
    restarts(children(node, 'options')) && !isFresh(relationKey(child(node, 'sequence')), schema, file)
      ? [{ rule: 'restart-sequence', message: `sequence ${relationKey(child(node, 'sequence'))} starts anew` }]
      : [],
  DropdbStmt: (node) => [{ rule: 'drop-database', message: `database ${textOf(node, 'dbname')} is dropped` }],
  RenameStmt: renamed,
  AlterEnumStmt: (node) =>
    textOf(node, 'oldVal') === ''
      ? []
      : [{ rule: 'rename-value', message: `'${textOf(node, 'oldVal')}' is called '${textOf(node, 'newVal')}' from now on` }],
  AlterTableStmt: (node, { impacts }) =>
    children(node, 'cmds')
      .filter((one) => textOf(child(one, 'AlterTableCmd'), 'behavior') === 'DROP_CASCADE')
      .map(
        (one) =>
          ({
            rule: 'drop-cascade',
            message: `${textOf(child(one, 'AlterTableCmd'), 'name')} is dropped with whatever depends on it${dependants(impacts)}`,
            relation: relationKey(child(node, 'relation')),
          }) as const,
      ),
};

function replaced(node: Node, what: string, fresh: boolean): readonly Draft[] {
  return node['replace'] === true && !fresh ? [{ rule: 'replace-object', message: `${what} is replaced, if it is there` }] : [];
}

const DROPS: Readonly<Record<string, RuleId>> = {
  OBJECT_TABLE: 'drop-table',
  OBJECT_FOREIGN_TABLE: 'drop-table',
  OBJECT_VIEW: 'drop-view',
  OBJECT_MATVIEW: 'drop-view',
  OBJECT_SCHEMA: 'drop-schema',
  OBJECT_TRIGGER: 'drop-trigger',
  OBJECT_TYPE: 'drop-object',
  OBJECT_DOMAIN: 'drop-object',
  OBJECT_FUNCTION: 'drop-object',
  OBJECT_PROCEDURE: 'drop-object',
  OBJECT_SEQUENCE: 'drop-object',
  OBJECT_INDEX: 'drop-object',
  OBJECT_EXTENSION: 'drop-object',
  OBJECT_AGGREGATE: 'drop-object',
  OBJECT_ROUTINE: 'drop-object',
  OBJECT_OPERATOR: 'drop-object',
  OBJECT_CAST: 'drop-object',
};

/** What is known to go, or to lose a key, with what is dropped. */
function dependants(impacts: Context['impacts']): string {
  const names = impacts.flatMap(({ action: { roles } }) => [roles['a_view'], roles['child']].filter((one) => one !== undefined));
  return names.length === 0 ? '' : `, known of: ${[...new Set(names)].join(', ')}`;
}

function dropped(node: Node, { schema, file, impacts }: Context): readonly Draft[] {
  const what = textOf(node, 'removeType');
  const rule = DROPS[what];
  const word = what.replace('OBJECT_', '').replace('MATVIEW', 'MATERIALIZED VIEW').replaceAll('_', ' ');
  const cascade = textOf(node, 'behavior') === 'DROP_CASCADE';
  return children(node, 'objects').flatMap((one) => {
    const name = plainName(nameOf(one));
    if (isFresh(name, schema, file)) return [];
    return [
      ...(rule === undefined ? [] : [{ rule, message: `${word.toLowerCase()} ${name} is dropped`, relation: name } as const]),
      ...(cascade
        ? [
            {
              rule: 'drop-cascade',
              message: `${word.toLowerCase()} ${name} is dropped with whatever depends on it${dependants(impacts)}`,
              relation: name,
            } as const,
          ]
        : []),
    ];
  });
}

/** A bare word, a type's name, a function's with its arguments, or a list of parts. */
function nameOf(object: Node): string {
  if (object['String'] !== undefined) return textOf(child(object, 'String'), 'sval');
  if (object['TypeName'] !== undefined) return nameParts(children(child(object, 'TypeName'), 'names')).join('.');
  if (object['ObjectWithArgs'] !== undefined) return nameParts(children(child(object, 'ObjectWithArgs'), 'objname')).join('.');
  return nameParts(children(child(object, 'List'), 'items')).join('.');
}

function renamed(node: Node): readonly Draft[] {
  const relation = relationKey(child(node, 'relation'));
  switch (textOf(node, 'renameType')) {
    case 'OBJECT_VIEW':
      return [{ rule: 'rename-table', message: `view ${relation} is renamed`, relation }];
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
    case 'OBJECT_FUNCTION':
    case 'OBJECT_PROCEDURE':
    case 'OBJECT_SEQUENCE':
      return [
        { rule: 'drop-object', message: `what the version that serves knows by its old name is called ${textOf(node, 'newname')} now` },
      ];
    case 'OBJECT_SCHEMA':
      return [{ rule: 'set-schema', message: `schema ${textOf(node, 'subname')} is renamed, with everything in it` }];
    default:
      return [];
  }
}
