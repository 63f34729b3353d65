import { child, children, isOn, isSet, relationName, textOf } from '../tree.ts';
import { transactionOf } from '../transactions.ts';
import { sql, ownText } from './fixes.ts';
import { usesNewValue } from './checks-enums.ts';
import { worksUnderLock } from './checks-under-lock.ts';
import { keepsWritersOut } from './impact.ts';
import { plainName, relationKey } from './schema.ts';
import { milliseconds, settingOf } from './settings.ts';
import { validatesTogether } from './checks-validate.ts';
import { isSolitary } from './timeline.ts';
import type { Context, Draft } from './types.ts';

/** Longer than this, users notice. */
const LONG_LOCK_TIMEOUT_MS = 10_000;

/** What goes wrong between statements: locks kept while more is done, limits that are missing. */
export function checkTransactions(context: Context): readonly Draft[] {
  return [
    ...validatesTogether(context),
    ...locksSeveral(context),
    ...worksUnderLock(context),
    ...usesNewValue(context),
    ...refusedInCode(context),
    ...mergesAlters(context),
    ...limits(context),
    ...setting(context),
    ...locksTable(context),
  ];
}

/** Two tables, each locked against everybody, in an order users need not share. */
function locksSeveral({ placed, done, impacts }: Context): readonly Draft[] {
  if (!placed.shared) return [];
  const mine = impacts.flatMap(({ locks }) => locks.filter((one) => keepsWritersOut(one.mode)).map((one) => one.relation));
  const added = [...new Set(mine)].filter((one) => !done.writersOut.has(one));
  // Told once, when the second table comes in.
  if (done.writersOut.size !== 1 || added.length === 0) return [];
  return [
    {
      rule: 'several-locks',
      message: `${added.join(' and ')} is locked while ${[...done.writersOut].join(' and ')} still is: users who take them in another order deadlock with it`,
      relation: added[0] ?? '',
      fix: '-- one table per transaction: put this statement in a migration of its own',
    },
  ];
}

/** A block, a function and a procedure are in a transaction whoever calls them, even where they may COMMIT. */
function refusedInCode({ statement, placed }: Context): readonly Draft[] {
  if (placed.inside === null || !isSolitary(statement)) return [];
  return [{ rule: 'index-in-transaction', message: 'PostgreSQL refuses this in a DO block, a function or a procedure' }];
}

function mergesAlters({ statement, done }: Context): readonly Draft[] {
  if (statement.kind !== 'AlterTableStmt') return [];
  const [table, last] = [relationKey(child(statement.node, 'relation')), done.last];
  if (last?.kind !== 'AlterTableStmt' || relationKey(child(last.node, 'relation')) !== table) return [];
  const validates = [statement, last].some((one) =>
    children(one.node, 'cmds').some((each) => textOf(child(each, 'AlterTableCmd'), 'subtype') === 'AT_ValidateConstraint'),
  );
  if (validates) return [];
  const commands = ownText(statement).replace(ALTERED, '');
  const message = `${table} was altered by the statement before; one ALTER TABLE can do both`;
  return [{ rule: 'merge-alters', message, relation: table, fix: sql(`${ownText(last)},\n  ${commands}`) }];
}

const ALTERED = /^ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(?:ONLY\s+)?(?:(?:"(?:[^"]|"")+"|[\w$]+)\s*\.\s*)?(?:"(?:[^"]|"")+"|[\w$]+)\s*\*?\s*/i;

/** Statements that lock something others use need limits; told once for each file, at the first of them. */
function limits({ statement, impacts, file, placed }: Context): readonly Draft[] {
  if (file.limited || placed.inside === 'function' || isConcurrent(statement)) return [];
  const [relation] = impacts.flatMap((one) => one.locks).flatMap((one) => (keepsWritersOut(one.mode) ? [one.relation] : []));
  if (relation === undefined) return [];
  return LIMITS.flatMap(({ rule, setting, value, message }) => {
    const set = file.settings.get(setting);
    const missing = set === undefined || milliseconds(set.value) === 0;
    return missing ? [{ rule, message: message(relation), fix: sql(`SET ${setting} = '${value}'`), relation }] : [];
  });
}

const LIMITS = [
  {
    rule: 'lock-timeout',
    setting: 'lock_timeout',
    value: '1s',
    message: (relation: string) => `no lock_timeout bounds how long the lock on ${relation} is waited for`,
  },
  { rule: 'statement-timeout', setting: 'statement_timeout', value: '30s', message: () => 'no statement_timeout is set' },
  {
    rule: 'idle-timeout',
    setting: 'idle_in_transaction_session_timeout',
    value: '30s',
    message: () => 'no idle_in_transaction_session_timeout is set',
  },
] as const;

function isConcurrent({ node, kind }: Context['statement']): boolean {
  return kind === 'ReindexStmt' ? isOn(node, 'concurrently') : isSet(node, 'concurrent');
}

function setting({ statement }: Context): readonly Draft[] {
  const set = settingOf(statement);
  if (set?.name !== 'lock_timeout') return [];
  const limit = milliseconds(set.value);
  if (limit === 0) return [{ rule: 'lock-timeout-long', message: 'lock_timeout = 0 waits for ever', fix: sql(`SET lock_timeout = '1s'`) }];
  return limit !== null && limit > LONG_LOCK_TIMEOUT_MS
    ? [{ rule: 'lock-timeout-long', message: `lock_timeout = ${set.value} lets users wait that long`, fix: sql(`SET lock_timeout = '1s'`) }]
    : [];
}

/** Modes up to SHARE UPDATE EXCLUSIVE let others read and write. */
const WEAK: ReadonlySet<number> = new Set([1, 2, 3, 4]);

function locksTable({ statement, placed }: Context): readonly Draft[] {
  if (statement.kind !== 'LockStmt' || WEAK.has(Number(statement.node['mode'])) || transactionOf(statement) !== null || !placed.shared)
    return [];
  const tables = children(statement.node, 'relations').map((one) => plainName(relationName(child(one, 'RangeVar'))));
  return [
    {
      rule: 'lock-table',
      message: `LOCK TABLE keeps others out of ${tables.join(' and ')} until the transaction ends`,
      relation: tables[0] ?? '',
    },
  ];
}
