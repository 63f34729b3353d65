/** What no PostgreSQL understands and another database does; asked only of what does not parse. */
export function otherDialect(text: string): string | null {
  if (/`\w+`|\bENGINE\s*=\s*\w+|\bAUTO_INCREMENT\b/i.test(text)) return 'MySQL';
  return /\bAUTOINCREMENT\b|^\s*PRAGMA\b|\bWITHOUT\s+ROWID\b/im.test(text) ? 'SQLite' : null;
}
