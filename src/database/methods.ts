import { commandMethod } from './adapters/command.ts';
import { pgDumpMethod } from './adapters/pg-dump.ts';
import { templateMethod } from './adapters/template.ts';
import type { BackupMethod, BackupMethodName, BackupTools, DatabaseAccess } from './ports.ts';

/** All ways to back up, in the order `auto` prefers them. A new one is a file in adapters/, a call of contract.ts and a line here. */
const METHODS: Readonly<Record<BackupMethodName, (tools: BackupTools) => BackupMethod>> = {
  command: commandMethod,
  pg_dump: pgDumpMethod,
  template: templateMethod,
};

/**
 * Chooses the backup method. `auto` takes the user's command when there is one, else `pg_dump`; `template` only for the
 * embedded database, because it ends every session and keeps the copy on the same disk. When none can run here, the
 * preferred one is answered, and its `available` says what to install.
 */
export async function chooseMethod(access: DatabaseAccess, wanted: BackupMethodName | 'auto', tools: BackupTools): Promise<BackupMethod> {
  const methods = (wanted === 'auto' ? candidates(tools) : [wanted]).map((name) => METHODS[name](tools));
  for (const method of methods) if ((await method.available(access)).ok) return method;
  const [preferred] = methods;
  if (preferred === undefined) throw new Error('there is always a method to prefer');
  return preferred;
}

function candidates(tools: BackupTools): readonly BackupMethodName[] {
  if (tools.command !== null) return ['command'];
  return tools.embedded ? ['pg_dump', 'template'] : ['pg_dump'];
}
