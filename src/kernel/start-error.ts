/**
 * Why a command could not be started, for a person; null when it is not about the command.
 * The search of PATH answers EACCES as soon as one folder may not be read, even when the command is in none of them.
 */
export function whyNotFound(command: string, code: string | undefined): string | null {
  if (code === 'ENOENT') return `The command "${command}" was not found`;
  if (code !== 'EACCES') return null;
  return command.includes('/')
    ? `The command "${command}" may not be executed`
    : `The command "${command}" was not found, or may not be executed`;
}
