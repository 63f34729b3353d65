import type { JsonObject } from '../../kernel/pure.ts';
import { calledName } from './expression-effect.ts';
import { child, children, findAll, isSet, textOf } from './tree.ts';
import type { Statement } from './types.ts';

/** Statements about what all databases of a server share, or what is not in a database at all. */
const KINDS: Readonly<Record<string, string>> = {
  AlterSystemStmt: 'ALTER SYSTEM changes settings of the whole server',
  CreateRoleStmt: 'CREATE ROLE makes a role of the whole server',
  AlterRoleStmt: 'ALTER ROLE changes a role of the whole server',
  AlterRoleSetStmt: 'ALTER ROLE changes a role of the whole server',
  DropRoleStmt: 'DROP ROLE takes away a role of the whole server',
  GrantRoleStmt: 'GRANT and REVOKE of roles hold for the whole server',
  ReassignOwnedStmt: 'REASSIGN OWNED changes owners of databases too',
  DropOwnedStmt: 'DROP OWNED takes away rights on the whole server too',
  CreatedbStmt: 'CREATE DATABASE makes another database',
  AlterDatabaseStmt: 'ALTER DATABASE changes a database by its name',
  AlterDatabaseSetStmt: 'ALTER DATABASE changes a database by its name',
  AlterDatabaseRefreshCollStmt: 'ALTER DATABASE changes a database by its name',
  DropdbStmt: 'DROP DATABASE takes away a database',
  CreateTableSpaceStmt: 'CREATE TABLESPACE makes a folder of the server its own',
  DropTableSpaceStmt: 'DROP TABLESPACE takes away a tablespace of the whole server',
  AlterTableSpaceOptionsStmt: 'ALTER TABLESPACE changes a tablespace of the whole server',
  CreateSubscriptionStmt: 'CREATE SUBSCRIPTION connects to another server',
  AlterSubscriptionStmt: 'ALTER SUBSCRIPTION connects to another server',
  DropSubscriptionStmt: 'DROP SUBSCRIPTION connects to another server',
  LoadStmt: 'LOAD runs a library in the server',
  CheckPointStmt: 'CHECKPOINT makes the whole server write',
};

/** What RENAME, OWNER TO and GRANT are about when it is not in the database. */
const OBJECTS: Readonly<Record<string, string>> = {
  OBJECT_ROLE: 'a role',
  OBJECT_DATABASE: 'a database by its name',
  OBJECT_TABLESPACE: 'a tablespace',
  OBJECT_SUBSCRIPTION: 'a subscription',
  OBJECT_PARAMETER_ACL: 'a setting of the server',
};

/** Functions that act on other sessions, the server's files or its log, or on other servers. */
const CALLS =
  /^(?:pg_(?:terminate_backend|cancel_backend|reload_conf|read_(?:binary_)?file|stat_file|ls_\w+|switch_wal|switch_xlog|rotate_logfile\w*|promote|file_\w+|create_restore_point|(?:wal|xlog)_replay_\w+|backup_st\w+|st(?:art|op)_backup|\w*replication_(?:slot|origin)\w*|stat_reset_shared)|lo_(?:import|export)|dblink\w*)$/;

/** Languages whose functions do whatever the server's user may. */
const UNTRUSTED = /^(?:c|internal|pl\w+u)$/;

/** How a statement, taken by itself, reaches beyond the database it runs in; null for one that does not. */
export function beyondDatabase({ kind, node }: Pick<Statement, 'kind' | 'node'>): string | null {
  return KINDS[kind] ?? byObject(kind, node) ?? byCopy(kind, node) ?? byLanguage(kind, node) ?? byCall(node);
}

function byObject(kind: string, node: JsonObject): string | null {
  const key = { RenameStmt: 'renameType', AlterOwnerStmt: 'objectType', GrantStmt: 'objtype' }[kind];
  const object = key === undefined ? undefined : OBJECTS[textOf(node, key)];
  return object === undefined ? null : `it changes ${object}, which is not in this database`;
}

function byCopy(kind: string, node: JsonObject): string | null {
  if (kind !== 'CopyStmt') return null;
  if (isSet(node, 'is_program')) return 'COPY ... PROGRAM runs a command on the server';
  return textOf(node, 'filename') === '' ? null : `COPY ${isSet(node, 'is_from') ? 'reads' : 'writes'} a file of the server`;
}

function byLanguage(kind: string, node: JsonObject): string | null {
  if (kind !== 'CreateFunctionStmt' && kind !== 'DoStmt') return null;
  const options = children(node, kind === 'DoStmt' ? 'args' : 'options').map((one) => child(one, 'DefElem'));
  const named = options.find((option) => textOf(option, 'defname') === 'language');
  const language = textOf(child(child(named ?? {}, 'arg'), 'String'), 'sval').toLowerCase();
  return UNTRUSTED.test(language) ? `code in ${language} does whatever the server's user may` : null;
}

function byCall(node: JsonObject): string | null {
  const names = findAll(node, ['FuncCall', 'funccall']).map((found) => calledName(found.node).split('.').at(-1) ?? '');
  const found = names.find((name) => CALLS.test(name));
  return found === undefined ? null : `${found} reaches beyond the database`;
}
