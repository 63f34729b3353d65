import { commandMethod } from './adapters/command.ts';
import { pgDumpMethod } from './adapters/pg-dump.ts';
import { templateMethod } from './adapters/template.ts';
import type { Availability, BackupMethod, BackupMethodName, BackupTools, DatabaseAccess } from './ports.ts';

/** All ways to back up, in the order `auto` prefers them. A new one is a file in adapters/, a call of contract.ts and a line here. */
const METHODS: Readonly<Record<BackupMethodName, (tools: BackupTools) => BackupMethod>> = {
  command: commandMethod,
  pg_dump: pgDumpMethod,
  template: templateMethod,
};

/** A backup method, and whether it can run here. */
export interface ChosenMethod {
  readonly method: BackupMethod;
  readonly answer: Availability;
}

/**
 * Chooses the backup method. `auto` takes the user's command when there is one, else `pg_dump`; `template` only for the
 * embedded database, because it ends every session and keeps the copy on the same disk. When none can run here, the
 * preferred one is answered, and what to install.
 */
export async function chooseAvailable(
  access: DatabaseAccess,
  wanted: BackupMethodName | 'auto',
  tools: BackupTools,
): Promise<ChosenMethod> {
  let preferred: ChosenMethod | null = null;
  for (const method of candidates(wanted, tools)) {
    const chosen = { method, answer: await method.available(access) };
    if (chosen.answer.ok) return chosen;
    preferred ??= chosen;
  }
  if (preferred === null) throw new Error('there is always a method to prefer');
  return preferred;
}

/** The method of {@link chooseAvailable}; the server is only asked where there is a choice. */
export async function chooseMethod(access: DatabaseAccess, wanted: BackupMethodName | 'auto', tools: BackupTools): Promise<BackupMethod> {
  const [only, ...others] = candidates(wanted, tools);
  return only !== undefined && others.length === 0 ? only : (await chooseAvailable(access, wanted, tools)).method;
}

function candidates(wanted: BackupMethodName | 'auto', tools: BackupTools): readonly BackupMethod[] {
  const names = wanted === 'auto' ? inOrder(tools) : [wanted];
  return names.map((name) => METHODS[name](tools));
}

function inOrder(tools: BackupTools): readonly BackupMethodName[] {
  if (tools.command !== null) return ['command'];
  return tools.embedded ? ['pg_dump', 'template'] : ['pg_dump'];
}
