import type { Statement } from '../types.ts';
import type { Action } from './types.ts';

/**
 * Gives the commands of an ALTER TABLE a place, which the parser gives only to what they define: where the command with the
 * action's column or constraint begins.
 * @param base what places of the statement's tree are counted from
 */
export function withPlace(action: Action, { kind, text, start }: Statement, base: number | null): Action {
  const name = action.detail?.column ?? action.detail?.constraint ?? '';
  if (kind !== 'AlterTableStmt' || action.at !== undefined || name === '' || start === null || base === null) return action;
  const word = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const found = new RegExp(
    `\\b(?:ALTER|DROP|VALIDATE)\\s+(?:(?:COLUMN|CONSTRAINT)\\s+)?(?:IF\\s+EXISTS\\s+)?(?:"${word}"|${word}(?![\\w$]))`,
    'i',
  ).exec(text);
  return found === null ? action : { ...action, at: start - base + bytesOf(text.slice(0, found.index)) };
}

/** Length in UTF-8. */
export function bytesOf(text: string): number {
  // Most text is ASCII, of which each character is a byte.
  if (/^[\0-\x7F]*$/.test(text)) return text.length;
  let bytes = 0;
  for (const character of text) bytes += utf8Length(character);
  return bytes;
}

/** Bytes of one character in UTF-8. */
export function utf8Length(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return 1;
  if (code < 0x800) return 2;
  return code < 0x1_00_00 ? 3 : 4;
}
