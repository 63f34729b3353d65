import { SlipwayError } from './errors.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * Parses a `.env` file: `KEY=VALUE` lines, `export` in front allowed, `#` comments, `'...'` taken literally,
 * `"..."` with `\n`, `\r`, `\t`, `\"`, `\\`. Nothing is expanded: a `$` is a `$`. The last of two equal names wins.
 * `file` is only named in messages; a message never quotes a line, because a line may hold a secret.
 * @throws SlipwayError `config_invalid` with the line number
 */
export function parseEnvFile(text: string, file: string): Readonly<Record<string, string>> {
  const entries: (readonly [string, string])[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim().replace(/^export\s+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0)).trim();
    if (!NAME.test(name)) throw new SlipwayError('config_invalid', `${file}:${index + 1}: expected NAME=VALUE`);
    const value = parseValue(line.slice(equals + 1).trim());
    if (value === null)
      throw new SlipwayError('config_invalid', `${file}:${index + 1}: the quoted value of ${name} has no closing quote or text after it`);
    entries.push([name, value]);
  }
  return Object.fromEntries(entries);
}

function parseValue(text: string): string | null {
  if (text.startsWith("'")) return /^'([^']*)'\s*(?:#.*)?$/.exec(text)?.[1] ?? null;
  if (text.startsWith('"')) {
    const inner = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(text)?.[1];
    return inner === undefined ? null : inner.replaceAll(/\\(.)/g, (_all, letter: string) => ESCAPES[letter] ?? letter);
  }
  // As in other readers, a comment after an unquoted value needs a space before it: `a#b` is a value.
  return text.replace(/(?:^|\s+)#.*$/, '');
}
