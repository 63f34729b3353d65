import type { RuleId } from './rules.ts';

/** What to do instead where no statement of its own can be proposed. Each is a comment, so that it may stand in a file. */
const ADVICE: Partial<Readonly<Record<RuleId, string>>> = {
  reindex: '-- REINDEX TABLE CONCURRENTLY, one table after the other, outside a transaction',
  'add-column-domain': '-- add a column of the plain type with the CHECK as NOT VALID, fill it in batches, validate',
  'add-exclude': '-- a new table with the constraint, filled in batches, which takes the place of the old one',
  'primary-key-nullable': '-- make its columns NOT NULL first, by way of a CHECK that is NOT VALID and validated later',
  'table-rewrite': '-- pg_repack, or a new table that is filled in batches and takes the place of the old one',
  'domain-constraint': '-- add it NOT VALID, and validate it later in a quiet hour',
  'refresh-view': '-- in a quiet hour, or CONCURRENTLY once it has a unique index and was filled',
  'partition-of': '-- a table of its own first, then ATTACH PARTITION',
  'reference-locks': `-- SET lock_timeout = '1s' before it, and try again when that is reached`,
  'exclusive-lock': `-- SET lock_timeout = '1s' before it, and try again when that is reached`,
  'foreign-key-type': '-- expand and contract: a new column, filled in batches, with a foreign key of its own that is NOT VALID at first',
  'lock-table': '-- leave it out, or lock the rows that matter: SELECT ... FOR UPDATE',
  'work-under-lock': '-- in a migration of its own, before the lock is taken',
  'nested-transaction': '-- leave BEGIN and COMMIT out: the tool has a transaction around the file',
  'managed-transaction': '-- split the file where it commits',
  'no-transaction': '-- leave it out, or put BEGIN before what belongs together',
  'open-transaction': '-- COMMIT at the end of the file',
  'enum-value-in-transaction': '-- add the value in a migration of its own, before the one that uses it',
  'refused-commit':
    '-- outside of a transaction: a file of its own without one; in a procedure without SET, SECURITY DEFINER and EXCEPTION, by CALL',
  'drop-column': '-- 1. release a version that neither reads nor writes it, 2. wait until no old one runs, 3. drop it in a later migration',
  'drop-table':
    '-- 1. release a version that does not use it, 2. wait until no old one runs, 3. keep a copy, 4. drop it in a later migration',
  'drop-view': '-- 1. release a version that does not read it, 2. wait until no old one runs, 3. drop it in a later migration',
  'drop-schema': '-- drop what is in it table by table, each after the version that used it is gone',
  'drop-database': '-- never in a migration',
  'drop-object': '-- release a version that does not use it first, and drop it in a later migration',
  'drop-cascade': '-- leave CASCADE out: PostgreSQL then names what depends on it, to be dropped by name',
  'drop-trigger': '-- release a version that does itself what the trigger did, first',
  'drop-primary-key': '-- build the new key first: CREATE UNIQUE INDEX CONCURRENTLY, then drop and add it in one ALTER TABLE',
  'replica-identity': '-- REPLICA IDENTITY USING INDEX of a unique index, or FULL',
  'row-security': '-- CREATE POLICY first, and try it as the role that serves',
  'restart-sequence': '-- leave the sequence alone, or start it above the largest number given out',
  'set-schema':
    '-- in the same transaction, a view of the old name: CREATE VIEW old_schema.name AS SELECT * FROM new_schema.name; and GRANT on it what the table granted',
  'rename-value': '-- add the new value, let both versions read both, change rows in batches, stop writing the old one',
  'drop-not-null': '-- release a version that takes NULL first',
  'drop-default': '-- release a version that writes the column itself first',
  'set-default': '-- release a version that writes the column itself first, or check that the old one bears the new default',
  'new-constraint':
    '-- count the rows that break it first, and release a version that writes none; then add it NOT VALID and validate it later',
  'reference-type': '-- give both columns one type',
  truncate: '-- delete in batches (slipway db backfill), or drop partitions; keep a copy',
  'truncate-cascade': '-- name the tables instead of CASCADE',
  'assigned-twice': '-- name it once',
  'insert-columns': '-- name the columns: INSERT INTO name (a, b) ...',
  'already-there': '-- leave it out; IF NOT EXISTS only hides that what is there may be something else',
  'not-there': '-- leave it out, or write the name that it has now',
  'refused-value': '-- write a value that the column takes, or make it one first',
  'unbatched-write': '-- in batches by key, each in its own transaction (slipway db backfill)',
};

/** The advice for a rule; null where its message says it all. */
export function adviceFor(rule: RuleId): string | null {
  return ADVICE[rule] ?? null;
}
