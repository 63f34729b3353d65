/**
 * Redaction happens at the kernel's door: every command line, log line, error and SQL text passes through a
 * {@link Redactor} before it reaches the ledger, a pack, the terminal or a notification.
 */
export type Redactor = (text: string) => string;

export const REDACTED = '[redacted]';

/** Values shorter than this are not replaced by value: `1` or `dev` as a "secret" would shred every log. */
const SHORTEST_SECRET = 6;

/** Base64 fragments and single lines of a longer secret must be this long, or chance would hit ordinary words. */
const SHORTEST_FRAGMENT = 8;

/** A 16384-bit RSA key takes about 200 lines; after this many without an end the log is shown again. */
const LONGEST_PEM_LINES = 400;

/** Characters looked at by one pattern at once; a single word longer than this is no credential. */
const LONGEST_PIECE = 1024 * 1024;

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;
const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

const HARD_KEY = 'password|passwd|passphrase|pwd|secret|secret[_-]?key(?:[_-]?base)?|api[_-]?key|access[_-]?key|private[_-]?key';
const SOFT_KEY = 'token';
/** Values that are no secret after any key: our own mark, nothing at all, and an unresolved `${env:NAME}`. */
const PLAIN = String.raw`(?:\[redacted\]|null|undefined|none|true|false|\$\{[A-Za-z_:][A-Za-z0-9_:]*\})(?=[\s"'\\,;&)}\]]|$)`;
/** `token: 3 of 5` and `token: }` are progress and parsers talking; a real token is longer than five characters. */
const SOFT_PLAIN = String.raw`(?:\d{1,5}|[^\s"',;&)}\]]{1,5})(?=[\s"'\\,;&)}\]]|$)`;
/**
 * A function that makes the value, in SQL or any code, is not the value: `token = gen_random_uuid()`, `encode(gen_random_bytes(16), 'hex')`. What
 * stands in quotes between its brackets was never hidden by the key; a bare word there may be the secret, so it is.
 */
const NAME = String.raw`[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?`;
const CALL = String.raw`${NAME}\((?:\)(?=[\s"'\\,;&)}\]:]|$)|\d{1,5}[,)]|${NAME}\((?:\)|\d{1,5}[,)]))`;
const QUOTED = String.raw`"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|\\{1,3}"[^"\n]*"?|\\{1,3}'[^'\n]*'?`;
/** Our own mark may be the start of a value of which a known secret was only a part. */
const BARE = String.raw`(?:\[redacted\]|[^\s"',;&)}\]])+`;
const ASSIGN = String.raw`\\{0,3}["']?[ \t]*[:=]>?[ \t]*`;
/** `${secret:NAME}` names a secret and holds none. */
const NO_REFERENCE = String.raw`(?!(?<=\$\{)secret:[A-Za-z_][A-Za-z0-9_]*\})`;
const FLAG_GAP = String.raw`(?:[ \t]+|["'],[ \t]*(?=["']))`;

function assignment(key: string, plain: string): RegExp {
  return new RegExp(String.raw`(${NO_REFERENCE}(?:${key})${ASSIGN})(?![ \t>]|\\{0,3}["']?(?:${plain}))(?:${QUOTED}|${BARE})`, 'gi');
}

function flag(key: string, plain: string): RegExp {
  return new RegExp(String.raw`((?<=--[a-z_-]{0,32})(?:${key})${FLAG_GAP})(?![ \t-]|["']?(?:${plain}))(?:${QUOTED}|${BARE})`, 'gi');
}

/**
 * Each pattern is linear: no start position can re-scan what another one scanned, because prefixes are bounded,
 * or the scanned class excludes a character every start needs. Keep it so; the test feeds megabyte lines.
 * `needs` is text, or a short pattern for it, without which the pattern cannot match: looking for it first makes ordinary lines cheap.
 */
const PATTERNS: readonly (readonly [needs: string | RegExp, RegExp, string])[] = [
  // user:password@ in any URL scheme; the user name stays because it helps a reader and is no secret.
  ['://', /([a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/'"]*):[^\s/'"]+@/gi, `$1:${REDACTED}@`],
  [/authorization/, /(authorization\\{0,3}["']?[ \t]*[:=][ \t]*\\{0,3}["']?(?:[a-z]{2,20}[ \t]+)?)[^\s"',;\\]+/gi, `$1${REDACTED}`],
  [/cookie/, /(cookie["']?[ \t]*:[ \t]*["']?)(?![ \t])[^\r\n"']+/gi, `$1${REDACTED}`],
  [/bearer/, /\b(bearer[ \t]+)[A-Za-z0-9._~+/-]{8,}=*/gi, `$1${REDACTED}`],
  // A token of ours: its id says which one it is, and is no secret.
  ['slp_', /(slp_[0-9a-z]{4,32}_)[A-Za-z0-9]{20,}/g, `$1${REDACTED}`],
  [
    /gh._|github_|gl[a-z]{2,5}-|slp_|npm_/,
    /(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|gl[a-z]{2,5}-[A-Za-z0-9_-]{16,}|slp_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,})/g,
    REDACTED,
  ],
  [
    /xox|AKIA|ASIA|AIza|[rs]k_|hvs\./,
    /(?<![A-Za-z0-9])(?:xox[abeprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|hvs\.[A-Za-z0-9_-]{20,})/g,
    REDACTED,
  ],
  [
    'https://',
    /(https:\/\/(?:hooks\.slack\.com\/(?:services|workflows)|discord(?:app)?\.com\/api\/webhooks|[a-z0-9.-]{1,80}\.webhook\.office\.com\/webhookb2)\/)[A-Za-z0-9/_@-]{8,}/gi,
    `$1${REDACTED}`,
  ],
  ['sk-', /(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{16,}/g, REDACTED],
  ["'", /\b((?:password|identified by)[ \t]{1,8})'(?:[^'\n]|'')*'?/gi, `$1'${REDACTED}'`],
  [/passw|passphrase|pwd|secret|key/, assignment(HARD_KEY, PLAIN), `$1${REDACTED}`],
  [/token/, assignment(SOFT_KEY, `${PLAIN}|${SOFT_PLAIN}|${CALL}`), `$1${REDACTED}`],
  ['--', flag(`${HARD_KEY}|${SOFT_KEY}`, PLAIN), `$1${REDACTED}`],
  // `git@host` is an address of a repository, `name@1.2.3` a package.
  [
    '@',
    /[A-Za-z0-9._%+-]{1,64}@(?<!(?<![A-Za-z0-9._%+-])git@)(?!\d+\.\d)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}\b/g,
    '[e-mail]',
  ],
];

/** What all the patterns need that need more than a text: most texts have none of it. */
const ANY_NEED = new RegExp(PATTERNS.flatMap(([needs]) => (typeof needs === 'string' ? [] : [needs.source])).join('|'), 'i');

/**
 * Builds a redactor that hides known secret values (also URL-encoded, base64 and JSON-escaped, and line by line)
 * plus everything that looks like a credential: URL passwords, bearer tokens, JWTs, PEM private keys, cookies,
 * well-known token shapes, `password=`-style assignments and flags, SQL passwords and e-mail addresses.
 * Paths, UUIDs, git SHAs, image digests and `${env:NAME}` references survive. Takes time linear in the text.
 */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const forms = [...new Set(secrets.flatMap(formsOf))];
  return (text) => {
    const out = hideKeys(hideValues(text, forms));
    return out.length <= LONGEST_PIECE ? hidePatterns(out) : piecesOf(out).map(hidePatterns).join('');
  };
}

function hidePatterns(text: string): string {
  let out = hideJwts(text);
  const hasAny = ANY_NEED.test(out);
  for (const [needs, pattern, replacement] of PATTERNS)
    if (typeof needs === 'string' ? out.includes(needs) : hasAny) out = out.replace(pattern, replacement);
  return out;
}

/** Private keys in PEM, to the end of the text when it is cut off. By hand, because a key may span any number of lines. */
function hideKeys(text: string): string {
  const parts: string[] = [];
  let rest = text;
  for (let begin = PEM_BEGIN.exec(rest); begin !== null; begin = PEM_BEGIN.exec(rest)) {
    parts.push(rest.slice(0, begin.index), REDACTED);
    const inside = rest.slice(begin.index + begin[0].length);
    const end = PEM_END.exec(inside);
    rest = end === null ? '' : inside.slice(end.index + end[0].length);
  }
  return parts.join('') + rest;
}

/** Cuts at the end of a line, else of a word: a longer text would overflow the stack of the engine's patterns. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const whole = text.slice(from, from + LONGEST_PIECE);
    const isLast = from + whole.length === text.length;
    const end = isLast ? whole.length : whole.lastIndexOf('\n') + 1 || whole.lastIndexOf(' ') + 1 || whole.length;
    pieces.push(whole.slice(0, end));
    from += end;
  }
  return pieces;
}

/**
 * A redactor for one stream fed line by line: also hides a PEM private key whose lines arrive one at a time.
 * Answers one line for each line, so numbering stays. Each stream needs its own, because it remembers.
 */
export function createLineRedactor(secrets: readonly string[] = []): Redactor {
  const redact = createRedactor(secrets);
  let hidden = 0;
  return (line) => {
    let rest = line;
    if (hidden > 0) {
      const end = PEM_END.exec(line);
      if (end === null && hidden < LONGEST_PEM_LINES) {
        hidden += 1;
        return REDACTED;
      }
      hidden = 0;
      if (end !== null) rest = `${REDACTED}${line.slice(end.index + end[0].length)}`;
    }
    const begun = rest.split(new RegExp(PEM_BEGIN, 'g')).at(-1) ?? '';
    if (begun.length !== rest.length && !PEM_END.test(begun)) hidden = 1;
    return redact(rest);
  };
}

/** Redacts every string inside a JSON-like value, keys included; equal ones are looked at once, for most keys come again and again. */
export function redactDeep<T>(value: T, redact: Redactor): T {
  const known = new Map<string, string>();
  const once = (text: string): string => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const hidden = redact(text);
    known.set(text, hidden);
    return hidden;
  };
  return walk(value, once) as T;
}

function walk(value: unknown, redact: Redactor): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item: unknown) => walk(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), walk(item, redact)]));
}

/** The ways a secret value is met in text; nothing for a value too short to hide by value. */
function formsOf(secret: string): readonly string[] {
  const lines = secret.split(/\r?\n/).map((line) => line.trim());
  const parts = lines.length > 1 ? lines.filter((line) => line.length >= SHORTEST_FRAGMENT) : [];
  return [secret, secret.trim(), ...parts, ...passwordsOf(secret)].filter((value) => value.length >= SHORTEST_SECRET).flatMap(encodingsOf);
}

/** A URL's password is met without its URL too, as a program hands it on: as written and decoded. */
function passwordsOf(secret: string): readonly string[] {
  const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:([^\s/]+)@/i.exec(secret)?.[1];
  if (password === undefined) return [];
  // Where it is also the user's or the database's name it protects nothing, and hiding it would shred the log.
  if (secret.split(/[:/@?]+/).filter((part) => part === password).length > 1) return [];
  return [password, percentDecode(password)];
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A lone % is an odd password, not an encoded one.
    return text;
  }
}

function encodingsOf(value: string): readonly string[] {
  const bytes = utf8(value);
  const fragments = [0, 1, 2].map((shift) => base64Inside(bytes, shift)).filter((text) => text.length >= SHORTEST_FRAGMENT);
  const urlSafe = fragments.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const percent = UNESCAPED.map((plain) => percentEncode(bytes, plain));
  const forUrl = [...percent, ...percent.map((text) => text.replaceAll('%20', '+'))];
  const lower = forUrl.map((text) => text.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()));
  return [value, JSON.stringify(value).slice(1, -1), ...forUrl, ...lower, ...fragments, ...urlSafe];
}

/** Replaces every occurrence of every form; overlapping ones become one mark, so no tail of a second secret is left. */
function hideValues(text: string, forms: readonly string[]): string {
  const spans: [number, number][] = [];
  for (const form of forms) {
    let last: [number, number] | null = null;
    for (let at = text.indexOf(form); at >= 0; at = text.indexOf(form, at + 1)) {
      if (last !== null && at <= last[1]) last[1] = at + form.length;
      else spans.push((last = [at, at + form.length]));
    }
  }
  if (spans.length === 0) return text;
  const parts: string[] = [];
  let shown = 0;
  for (const [from, to] of spans.sort((a, b) => a[0] - b[0])) {
    if (from >= shown) parts.push(text.slice(shown, from), REDACTED);
    shown = Math.max(shown, to);
  }
  return parts.join('') + text.slice(shown);
}

/** JSON web tokens: a part starting `eyJ` and a second long part. Looked for inside whole runs, which keeps it linear. */
function hideJwts(text: string): string {
  if (!text.includes('eyJ')) return text;
  return text.replace(/[A-Za-z0-9_.-]{20,}/g, (run) => {
    const parts = run.split('.');
    const first = parts.findIndex((part, index) => (parts[index + 1]?.length ?? 0) >= 8 && /eyJ[A-Za-z0-9_-]{8}/.test(part));
    if (first < 0) return run;
    const head = parts[first] ?? '';
    return [...parts.slice(0, first), head.slice(0, head.indexOf('eyJ')) + REDACTED].join('.');
  });
}

/** UTF-8 bytes of a text (core code has no TextEncoder). A lone surrogate becomes U+FFFD, as there. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const found = character.codePointAt(0) ?? 0;
    const code = found >= 0xd800 && found <= 0xdfff ? 0xfffd : found;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return Uint8Array.from(bytes);
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * The base64 characters that depend on `bytes` alone when `shift` (0-2) unknown bytes precede them and anything follows:
 * so `user:secret` in a Basic header is found by the secret alone.
 */
function base64Inside(bytes: Uint8Array, shift: number): string {
  let out = '';
  for (let bit = shift === 0 ? 0 : shift === 1 ? 4 : 2; bit + 6 <= bytes.length * 8; bit += 6) {
    const index = bit >> 3;
    const pair = ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
    out += BASE64[(pair >> (10 - (bit & 7))) & 63] ?? '';
  }
  return out;
}

/** What URL encoders leave as it is: RFC 3986, `encodeURIComponent`, and HTML forms. */
const UNESCAPED: readonly RegExp[] = [/[A-Za-z0-9._~-]/, /[A-Za-z0-9._~!'()*-]/, /[A-Za-z0-9._*-]/];

function percentEncode(bytes: Uint8Array, plain: RegExp): string {
  let out = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    out += plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
