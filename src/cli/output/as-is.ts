import type { Terminal } from './terminal.ts';

/**
 * Prints an answer about flags as it is: as a document for programs, else as text. The redactor would hide addresses, which rules are
 * about, and a document that was changed on its way out could not be put back. What people give as a reason is redacted when it is kept.
 */
export function answer(terminal: Terminal, document: unknown, text: () => string): void {
  terminal.raw(`${terminal.json ? JSON.stringify(document) : text()}\n`);
}

/** Text that somebody wrote, without what would steer a terminal. */
export function plain(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
