import type { Severity } from './types.ts';

/** What a rule is about; `style` never blocks. */
export type Category = 'locks' | 'transactions' | 'old version' | 'rows' | 'style' | 'file';

/** A question that is asked of every statement. */
export interface Rule {
  readonly severity: Severity;
  readonly category: Category;
  /** Why it matters, in one or two sentences. */
  readonly why: string;
}

const rule = (category: Category, severity: Severity, why: string): Rule => ({ category, severity, why });

const LOCKS = {
  'create-index': rule('locks', 'error', 'CREATE INDEX reads the whole table under a lock that keeps every writer waiting.'),
  'drop-index': rule('locks', 'warning', 'DROP INDEX locks readers and writers of its table out while it waits for its turn.'),
  reindex: rule('locks', 'error', 'REINDEX keeps writers of the table waiting until the index is built.'),
  'index-in-transaction': rule(
    'locks',
    'error',
    'PostgreSQL refuses it inside a transaction, also inside one string of several statements.',
  ),
  'index-of-partitioned': rule('locks', 'error', 'PostgreSQL refuses CONCURRENTLY for an index of a partitioned table.'),
  'index-may-be-corrupt': rule(
    'locks',
    'error',
    'PostgreSQL 14.0 to 14.3 may leave rows out of an index that is built or rebuilt concurrently.',
  ),
  'index-may-be-invalid': rule(
    'locks',
    'notice',
    'A failed CREATE INDEX CONCURRENTLY leaves an invalid index, which IF NOT EXISTS then takes for the finished one.',
  ),
  'add-column-default': rule('locks', 'error', 'A default computed for each row writes the whole table anew under an exclusive lock.'),
  'add-column-generated': rule('locks', 'error', 'A stored generated column writes the whole table anew under an exclusive lock.'),
  'add-column-serial': rule('locks', 'error', 'A column that numbers its rows writes the whole table anew under an exclusive lock.'),
  'add-column-domain': rule(
    'locks',
    'error',
    'A column of a domain with a constraint writes the whole table anew under an exclusive lock.',
  ),
  'add-column-check': rule('locks', 'error', 'A CHECK beside a new column is checked for every row under an exclusive lock.'),
  'add-column-unique': rule('locks', 'error', 'UNIQUE beside a new column builds its index under an exclusive lock.'),
  'add-column-primary-key': rule('locks', 'error', 'PRIMARY KEY beside a new column builds its index under an exclusive lock.'),
  'add-column-references': rule('locks', 'warning', 'A foreign key beside a new column locks writers of both tables out together.'),
  'column-type': rule('locks', 'error', 'A changed type may write the whole table anew, or read it, under an exclusive lock.'),
  'foreign-key-type': rule(
    'locks',
    'warning',
    'A changed type of a column that a foreign key joins to another table locks readers and writers of that one out too.',
  ),
  'set-not-null': rule(
    'locks',
    'error',
    'SET NOT NULL reads the whole table under an exclusive lock, unless a valid CHECK says that it need not.',
  ),
  'add-check': rule('locks', 'error', 'A CHECK that is not NOT VALID is checked for every row under an exclusive lock.'),
  'add-foreign-key': rule(
    'locks',
    'error',
    'A foreign key that is not NOT VALID is checked for every row while writers of both tables wait.',
  ),
  'drop-foreign-key': rule('locks', 'warning', 'Dropping a foreign key locks readers and writers of the referenced table out too.'),
  'add-unique': rule('locks', 'error', 'UNIQUE builds its index under an exclusive lock.'),
  'add-primary-key': rule('locks', 'error', 'PRIMARY KEY builds its index under an exclusive lock.'),
  'primary-key-nullable': rule(
    'locks',
    'warning',
    'PRIMARY KEY USING INDEX makes nullable columns NOT NULL, which reads the whole table under an exclusive lock.',
  ),
  'add-exclude': rule('locks', 'error', 'EXCLUDE builds its index under an exclusive lock, and there is no way around it.'),
  'validate-together': rule(
    'locks',
    'error',
    'Validating in the transaction that added the constraint keeps its lock during the check of every row.',
  ),
  'table-rewrite': rule('locks', 'error', 'It writes the whole table anew under an exclusive lock.'),
  'refresh-view': rule('locks', 'error', 'REFRESH MATERIALIZED VIEW locks its readers out until it is filled.'),
  'attach-partition': rule(
    'locks',
    'error',
    'ATTACH PARTITION reads the whole partition under an exclusive lock, unless a valid CHECK says that it need not.',
  ),
  'detach-partition': rule('locks', 'warning', 'DETACH PARTITION locks readers and writers of the whole partitioned table out.'),
  'drop-partition': rule('locks', 'warning', 'Dropping a partition locks readers and writers of the whole partitioned table out.'),
  'default-partition': rule(
    'locks',
    'error',
    'A new partition makes PostgreSQL read the default partition whole under an exclusive lock, for rows that belong to the new one.',
  ),
  'partition-of': rule('locks', 'warning', 'CREATE TABLE ... PARTITION OF locks readers and writers of the whole partitioned table out.'),
  'reference-locks': rule('locks', 'notice', 'A foreign key of a new table locks writers of the table it references out for a moment.'),
  'domain-constraint': rule('locks', 'error', 'A constraint of a domain is checked in every table that uses it, while their writers wait.'),
  'exclusive-lock': rule('locks', 'notice', 'It takes little time, but while it waits for its turn all others wait behind it.'),
  'lock-table': rule('locks', 'warning', 'LOCK TABLE keeps others out until the transaction ends.'),
  'several-locks': rule(
    'locks',
    'warning',
    'Exclusive locks on several tables in one transaction can deadlock with users who take them in another order.',
  ),
  'work-under-lock': rule('locks', 'warning', 'What runs after an exclusive lock was taken makes everybody wait longer for it.'),
} as const;

const TRANSACTIONS = {
  'lock-timeout': rule(
    'transactions',
    'notice',
    'Without lock_timeout, a statement that waits for a lock makes all later users of the table wait with it.',
  ),
  'lock-timeout-long': rule('transactions', 'warning', 'Users wait as long as lock_timeout allows.'),
  'statement-timeout': rule(
    'transactions',
    'notice',
    'Without statement_timeout a migration may run, and hold its locks, for as long as it likes.',
  ),
  'idle-timeout': rule('transactions', 'notice', 'Without idle_in_transaction_session_timeout, locks stay when the runner hangs.'),
  'nested-transaction': rule(
    'transactions',
    'warning',
    'BEGIN inside a transaction does nothing, and the COMMIT that goes with it ends the outer one.',
  ),
  'managed-transaction': rule(
    'transactions',
    'warning',
    'COMMIT ends the transaction the tool began: what follows is no longer undone with it.',
  ),
  'open-transaction': rule(
    'transactions',
    'error',
    'A transaction that is never committed is rolled back, or holds its locks until somebody notices.',
  ),
  'no-transaction': rule(
    'transactions',
    'warning',
    'COMMIT or ROLLBACK where no transaction is open ends nothing: a BEGIN is missing, or it stands there twice.',
  ),
  'mixed-file': rule(
    'transactions',
    'error',
    'The tool does not begin with a file that mixes what can be in a transaction with what cannot.',
  ),
  'enum-value-in-transaction': rule('transactions', 'error', 'A new value of an enum cannot be used in the transaction that added it.'),
  'refused-commit': rule(
    'transactions',
    'error',
    'Code may end a transaction only where nothing began one around it: in a block, or a procedure that is called.',
  ),
  'merge-alters': rule('transactions', 'notice', 'One ALTER TABLE with several actions takes its lock once.'),
} as const;

const OLD_VERSION = {
  'drop-column': rule('old version', 'warning', 'The version that serves may still read or write the column; what was in it is gone.'),
  'drop-table': rule('old version', 'warning', 'The version that serves may still use the table; what was in it is gone.'),
  'drop-view': rule('old version', 'warning', 'The version that serves may still read the view.'),
  'drop-schema': rule('old version', 'warning', 'The version that serves may still use what is in the schema; it is gone.'),
  'drop-database': rule('old version', 'error', 'A dropped database is gone, with everything in it.'),
  'drop-object': rule('old version', 'notice', 'The version that serves may still use the type, function, sequence or index.'),
  'drop-cascade': rule('old version', 'warning', 'CASCADE takes whatever depends on it, named or not.'),
  'drop-trigger': rule('old version', 'warning', 'What the trigger did for the version that serves is no longer done.'),
  'drop-primary-key': rule(
    'old version',
    'warning',
    'Without a primary key rows cannot be told apart, and replication of UPDATE and DELETE fails.',
  ),
  'replica-identity': rule('old version', 'warning', 'Without a replica identity, replication of UPDATE and DELETE fails.'),
  'drop-constraint': rule('old version', 'notice', 'Rows come in that the version that serves may not expect.'),
  'row-security': rule(
    'old version',
    'warning',
    'Rows that no policy lets through are hidden from the version that serves, and its writes refused.',
  ),
  'changes-writes': rule('old version', 'notice', 'What the version that serves reads or writes is changed, or refused, on its way.'),
  'replace-object': rule('old version', 'notice', 'The version that serves calls what is replaced.'),
  'change-rights': rule('old version', 'notice', 'The version that serves may need the right that is taken away.'),
  'restart-sequence': rule('old version', 'warning', 'Numbers that were given out are given again.'),
  'rename-column': rule('old version', 'warning', 'The version that serves knows the column by its old name.'),
  'rename-table': rule('old version', 'warning', 'The version that serves knows the table by its old name.'),
  'set-schema': rule('old version', 'warning', 'The version that serves looks for it in its old schema.'),
  'rename-value': rule('old version', 'warning', 'The version that serves reads and writes the old value.'),
  'drop-not-null': rule('old version', 'notice', 'Programs that read the column may now meet NULL.'),
  'drop-default': rule('old version', 'notice', 'Writers of the version that serves may rely on the default.'),
  'set-default': rule('old version', 'notice', 'Writers that name only some columns get another value than before.'),
  'new-constraint': rule(
    'old version',
    'notice',
    'What the version that serves writes may be refused from now on, and rows that are there may not fit.',
  ),
  'reference-type': rule(
    'old version',
    'warning',
    'Columns of different types on both sides of a foreign key cast for every check, or cannot hold each other’s values.',
  ),
  'required-column': rule(
    'old version',
    'error',
    'NOT NULL without a default fails on a table with rows, and refuses what the version that serves inserts.',
  ),
  'narrower-type': rule('old version', 'warning', 'Values may be cut, rounded or refused.'),
  'type-of-viewed-column': rule('old version', 'error', 'PostgreSQL refuses to change the type of a column that a view reads.'),
  'still-needed': rule('old version', 'error', 'PostgreSQL refuses to drop, empty or redefine what something else still needs.'),
  'looks-renamed': rule(
    'old version',
    'warning',
    'A column dropped and one added is how generators write a rename: what was in it is lost.',
  ),
} as const;

const ROWS = {
  'update-all': rule('rows', 'warning', 'One UPDATE of every row holds all its row locks until it ends, and doubles the table.'),
  'delete-all': rule('rows', 'warning', 'One DELETE of every row holds all its row locks until it ends.'),
  'unbatched-write': rule('rows', 'notice', 'How many rows it changes is not bounded; all their locks are held until it ends.'),
  'schema-and-rows': rule(
    'rows',
    'error',
    'Rows are changed while the same transaction keeps everybody out of the table; a warning where an index may find them, and of another table.',
  ),
  truncate: rule('rows', 'warning', 'TRUNCATE deletes all rows, under an exclusive lock.'),
  'truncate-cascade': rule('rows', 'warning', 'CASCADE deletes all rows of every table that references this one.'),
  'assigned-twice': rule('rows', 'error', 'PostgreSQL refuses a column that is set, made or named twice.'),
  'analyze-after': rule('rows', 'notice', 'After a large change the planner works with old statistics until somebody runs ANALYZE.'),
  'insert-columns': rule('rows', 'notice', 'INSERT without column names breaks, or fills the wrong columns, as soon as the table changes.'),
} as const;

const STYLE = {
  'prefer-bigint': rule('style', 'notice', 'An integer of four bytes or fewer runs out, and widening it later rewrites the table.'),
  'prefer-identity': rule('style', 'notice', 'Identity columns are what the SQL standard says instead of serial.'),
  'prefer-text': rule('style', 'notice', 'A limit of length in the type is hard to change; text with a CHECK is not.'),
  'char-type': rule('style', 'notice', 'char(n) pads with blanks.'),
  'prefer-timestamptz': rule('style', 'notice', 'timestamp does not know of which time zone it is.'),
  'json-type': rule('style', 'notice', 'json has no equality, so DISTINCT and GROUP BY fail; jsonb has.'),
  'domain-with-constraint': rule('style', 'notice', 'Changing the constraint of a domain later locks every table that uses it.'),
  'enum-type': rule('style', 'notice', 'Values of an enum can be added but not taken away.'),
  'enum-order': rule('style', 'notice', 'Where a new value sorts is not said.'),
  'not-repeatable': rule('style', 'notice', 'Outside a transaction a file may stop half-way; IF [NOT] EXISTS lets it be run again.'),
  'no-schema': rule('style', 'notice', 'Without a schema, which table is meant depends on search_path.'),
  'no-primary-key': rule('style', 'notice', 'Without a primary key rows cannot be told apart.'),
  'cascade-delete': rule('style', 'notice', 'ON DELETE CASCADE may delete many rows of other tables at once.'),
  'index-column-twice': rule('style', 'notice', 'A column that is in an index twice only makes it larger.'),
  'unindexed-reference': rule('style', 'notice', 'Without an index on it, each DELETE of a referenced row reads this whole table.'),
  'long-name': rule('style', 'notice', 'PostgreSQL cuts names after 63 bytes.'),
} as const;

const FILES = {
  unreadable: rule('file', 'error', 'What cannot be parsed cannot be judged.'),
  'not-sql': rule('file', 'warning', 'What is not SQL of the file itself was not judged.'),
  'psql-only': rule('file', 'error', 'Only psql reads it: a tool that sends the file to the server is refused.'),
  'not-in-version': rule('file', 'error', 'The version of PostgreSQL it is for refuses it.'),
  'already-there': rule('file', 'error', 'PostgreSQL refuses to make what is there already.'),
  'not-there': rule('file', 'error', 'PostgreSQL refuses to change, use or drop what is not there.'),
  'refused-value': rule('file', 'error', 'PostgreSQL refuses a value that its type, or its column, cannot have.'),
  'hidden-sql': rule('file', 'warning', 'SQL that is put together when it runs was not judged.'),
  'beyond-database': rule(
    'file',
    'warning',
    'It reaches beyond its database: no rollback takes it back, and a second run, or another database of the server, meets it.',
  ),
  suppression: rule('file', 'error', 'A suppression must name a rule and say why.'),
  'unused-suppression': rule('file', 'notice', 'A suppression that suppresses nothing only misleads.'),
} as const;

/** All rules by id, in the order of the documentation. */
export const RULES = { ...LOCKS, ...TRANSACTIONS, ...OLD_VERSION, ...ROWS, ...STYLE, ...FILES } as const satisfies Readonly<
  Record<string, Rule>
>;

export type RuleId = keyof typeof RULES;

export function isRuleId(text: string): text is RuleId {
  return Object.hasOwn(RULES, text);
}
