import type { Check } from '../../kernel/pure.ts';
import type { Definition } from './definition.ts';
import type { PendingMigration } from './compile/input.ts';
import type { PreviousVersion } from './plan.ts';

/** What a person should know before the release starts: risk facts, and everything the planner could not find out. */
export function findingsOf(
  definition: Definition,
  migrations: readonly PendingMigration[] | null,
  previous: PreviousVersion | null,
): readonly Check[] {
  return [
    ...migrationFindings(migrations ?? [], definition.database?.backup.method === 'none' && previous !== null),
    ...smokeFindings(definition),
    ...switchedOff(definition),
    ...configChanges(definition, previous),
  ];
}

/** @param withoutBackup true when a version is there to go back to, and no backup to bring its data back */
function migrationFindings(migrations: readonly PendingMigration[], withoutBackup: boolean): readonly Check[] {
  return migrations.map(({ name, rollbackClass, because }): Check => {
    const reason = `${name} is of class "${rollbackClass}": ${because}`;
    if (rollbackClass === 'restore' && withoutBackup)
      return {
        name: 'rollback class',
        verdict: 'fail',
        reason: `${reason}; only a backup brings the data back, and database.backup is none`,
        fix: 'Allow a backup, say with rollback=app that the old version lives with the change, or accept that there is no way back with --skip preflight.rollback=REASON.',
      };
    if (rollbackClass !== 'forward-fix') return { name: 'rollback class', verdict: 'pass', reason };
    return {
      name: 'rollback class',
      verdict: 'fail',
      reason,
      fix: 'Split the change so that it can be undone, or accept that it cannot with --skip preflight.rollback=REASON.',
    };
  });
}

function smokeFindings({ smoke, database, listen }: Definition): readonly Check[] {
  const findings: Check[] = [];
  if (smoke.noReads !== null) findings.push({ name: 'read path', verdict: 'pass', reason: `not checked: ${smoke.noReads}` });
  else if (smoke.read.length === 0 && listen !== null)
    findings.push({ name: 'read path', verdict: 'unknown', reason: 'no read check is declared', fix: 'Add one under smoke.read.' });
  if (smoke.noWrites !== null) findings.push({ name: 'write path', verdict: 'pass', reason: `not checked: ${smoke.noWrites}` });
  else if (smoke.write.length === 0 && database !== null)
    findings.push({
      name: 'write path',
      verdict: 'unknown',
      reason: 'no write check is declared, though the service has a database',
      fix: 'Add one under smoke.write.',
    });
  return findings;
}

function switchedOff({ rollback, database }: Definition): readonly Check[] {
  const findings: Check[] = [];
  if (!rollback.automatic) findings.push({ name: 'automatic rollback', verdict: 'pass', reason: `turned off: ${rollback.because ?? ''}` });
  if (database?.backup.method === 'none')
    findings.push({ name: 'backup', verdict: 'pass', reason: `turned off: ${database.backup.reason ?? ''}` });
  return findings;
}

function configChanges(definition: Definition, previous: PreviousVersion | null): readonly Check[] {
  if (previous === null)
    return [{ name: 'first release', verdict: 'pass', reason: 'there is no earlier version to go back to: back means stopped' }];
  const before = previous.definition.listen;
  const after = definition.listen;
  if (before?.port === after?.port && before?.host === after?.host) return [];
  return [
    {
      name: 'address',
      verdict: 'pass',
      reason: `users' address changes from ${before?.host}:${before?.port} to ${after?.host}:${after?.port}`,
    },
  ];
}
