/** Stands for a `${...}` reference while looking for literal secrets: same length, so columns stay right. */
const HOLE = '\u0001';

const WHAT_A_SECRET_LOOKS_LIKE: readonly (readonly [string, RegExp])[] = [
  ['a URL with a password', /\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]*:[^\s/@'"\u0001][^\s/@'"]*@/i],
  // Whoever has such an address may post to it.
  [
    'the address of a webhook',
    /https:\/\/(?:hooks\.slack\.com\/(?:services|workflows)|discord(?:app)?\.com\/api\/webhooks|[a-z0-9.-]{1,80}\.webhook\.office\.com\/webhookb2)\/[A-Za-z0-9/_@-]{8,}/i,
  ],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a JSON web token', /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/],
  [
    'an access token',
    /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|slp_(?:[a-z0-9]{4,32}_)?[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30,}|sk-[A-Za-z0-9_-]{16,}|[rs]k_live_[A-Za-z0-9]{16,})\b/,
  ],
  // A digit and a length, so that prose about "bearer authentication" is not taken for a token.
  ['an authorization header', /\b(?:bearer|basic)\s+(?=[^\s"']*\d)[A-Za-z0-9._~+/-]{16,}/i],
];

const SECRET_NAME =
  /(?:^|[_.\-\s]|^pg|^mysql_?)(?:password|passwd|passphrase|pwd|secret|authorization|cookie|credentials?|token|(?:api|access|secret|private|auth|encryption|signing)[_-]?key|secret[_-]?key[_-]?base)$/i;
const ASSIGNMENT =
  /(?:^|[\s"';&?-])([A-Za-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key))=["']?([^\s"';&\u0001]+)/i;

const KEYS = 'password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key';
/** `{"password": "x"}` as an argument: quoted on both sides, so that prose is not taken for it. */
const JSON_MEMBER = new RegExp(`\\\\?["'][A-Za-z0-9_.-]*(?:${KEYS})\\\\?["']\\s*:\\s*\\\\?["'][^"'\\\\\u0001]+`, 'i');
const SQL_PASSWORD = /\bpassword\s+'[^'\u0001]+'/i;
const FLAG = `--?(?:[a-z0-9]+[_-])*(?:${KEYS})`;
const FLAG_AND_VALUE = new RegExp(`(?:^|\\s)${FLAG}\\s+(?!-|id=|type=)[^\\s\u0001]+`, 'i');
const LONE_FLAG = new RegExp(`^${FLAG}$`, 'i');
const FLAG_VALUE = /^(?!-|id=|type=)[^\s\u0001]+$/;

/** `curl -u name:password`; elsewhere `-u` is a user and a group, an address, anything. */
const USER_AND_PASSWORD = /(?:^|[\s/])(?:curl|wget)\s(?:.*\s)?(?:-u|--user|--proxy-user)[ =]["']?[^\s:\u0001"']+:(?!\/\/)[^\s\u0001"']+/;

/** `STRIPE_KEY`; the others name columns, caches and what may be known. */
const KEY_NAME =
  /(?:^|[_.\-\s])(?<!(?:public|primary|foreign|sort|cache|partition|routing|idempotency|row|group|host|map|lock|registry)[_.\-\s])key$/i;
/** As random as a key has to be: letters and digits without a break, which names and paths have. */
const LIKE_A_KEY = /^(?=.*\d)(?=.*[a-z])[a-z0-9+=]{18,}$/i;

/** Text with every `${...}` blanked out, columns kept. */
function withoutReferences(text: string): string {
  return text.replaceAll(/\$\{[^}]{0,200}\}/g, (reference) => HOLE.repeat(reference.length));
}

/** A secret's literal value in a piece of text: what kind, and where it starts. Null when there is none. Never returns the value. */
export function findSecret(text: string): { readonly what: string; readonly at: number } | null {
  const bare = withoutReferences(text);
  for (const [what, pattern] of WHAT_A_SECRET_LOOKS_LIKE) {
    const match = pattern.exec(bare);
    if (match !== null) return { what, at: match.index };
  }
  const assignment = ASSIGNMENT.exec(bare);
  if (assignment !== null) return { what: `a value for "${assignment[1]}"`, at: assignment.index };
  const written = JSON_MEMBER.exec(bare) ?? SQL_PASSWORD.exec(bare);
  return written === null ? null : { what: 'a password or token', at: written.index };
}

/**
 * Does a command line pass a secret's literal value to an option (`--password hunter2`)? `before` is the word before a word of a
 * list. Only asked about commands: a comment may well explain an option.
 */
export function passesSecret(text: string, before: string | null): boolean {
  const bare = withoutReferences(text);
  if (FLAG_AND_VALUE.test(bare) || USER_AND_PASSWORD.test(bare)) return true;
  return before !== null && LONE_FLAG.test(before) && FLAG_VALUE.test(bare);
}

/**
 * Is this the literal value of something whose name says it is secret (`password: hunter2`)?
 * Values with a reference in them pass. High-entropy strings are not guessed at: digests look the same.
 */
export function isNamedSecret(name: string, value: unknown): boolean {
  if (typeof value !== 'string' && typeof value !== 'number') return false;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  const text = String(value).trim();
  if (text === '' || withoutReferences(text).includes(HOLE)) return false;
  return SECRET_NAME.test(words) || (KEY_NAME.test(words) && LIKE_A_KEY.test(text));
}
