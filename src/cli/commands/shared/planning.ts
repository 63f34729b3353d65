import type { Call } from '../spec.ts';

/** Opening the store (the first time: making it) and reading the facts takes seconds, in which nothing else would be said. */
export function sayPlanning({ terminal, directory }: Call): void {
  if (!terminal.json) terminal.note(`planning ${directory} ...`);
}
