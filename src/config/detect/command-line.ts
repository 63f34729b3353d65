import { findSecret } from '../core/secrets.ts';
import { joinCommand, splitCommand } from '../core/split.ts';

/** A command of another tool's file as a line that slipway.yaml takes; null when it needs a shell, is empty or holds a secret. */
export function commandLine(command: unknown): string | null {
  const words = typeof command === 'string' ? splitWords(command) : command;
  if (!Array.isArray(words) || words.length === 0 || !words.every((word): word is string => typeof word === 'string')) return null;
  const line = joinCommand(words);
  return line.includes('${') || line.includes('\n') || findSecret(line) !== null ? null : line;
}

function splitWords(line: string): readonly string[] | null {
  const split = splitCommand(line);
  return split.ok ? split.argv : null;
}
