/**
 * Redaction happens at the kernel's door: every command line, log line, error and SQL text passes through a
 * {@link Redactor} before it reaches the ledger, a pack, the terminal or a notification.
 */
export type Redactor = (text: string) => string;

export const REDACTED = '[redacted]';

/** Values shorter than this are not replaced by value: `1` or `dev` as a "secret" would shred every log. */
const SHORTEST_SECRET = 6;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // user:password@ in any URL scheme; the user name stays because it helps a reader and is no secret.
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/@'"]{0,256}):[^\s/'"]{1,1024}@/gi, `$1:${REDACTED}@`],
  [/\b(authorization["']?\s*[:=]\s*["']?(?:bearer|basic|token)\s+)[^\s"',;]+/gi, `$1${REDACTED}`],
  [/\b(bearer\s+)[A-Za-z0-9._~+/-]{8,}=*/gi, `$1${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, REDACTED],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|slp_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|sk-[A-Za-z0-9_-]{16,})\b/g, REDACTED],
  [/\b((?:[a-z0-9_.-]*(?:password|passwd|secret|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?token|token))["']?\s*[:=]\s*)(?:"[^"\n]{1,1024}"|'[^'\n]{1,1024}'|[^\s"',;&)}\]]+)/gi, `$1${REDACTED}`],
  [/\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}\b/g, '[e-mail]'],
];

/**
 * Builds a redactor that hides known secret values (and their URL-encoded and base64 forms are the caller's to add)
 * plus everything that looks like a credential: URL passwords, bearer tokens, JWTs, PEM private keys,
 * well-known token shapes, `password=`-style assignments and e-mail addresses.
 */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const values = [...new Set(secrets.filter((value) => value.length >= SHORTEST_SECRET))].sort((a, b) => b.length - a.length);
  return (text) => {
    let out = text;
    for (const value of values) out = out.replaceAll(value, REDACTED);
    for (const [pattern, replacement] of PATTERNS) out = out.replace(pattern, replacement);
    return out;
  };
}

/** Redacts every string inside a JSON-like value, keys included. */
export function redactDeep<T>(value: T, redact: Redactor): T {
  if (typeof value === 'string') return redact(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => redactDeep(item, redact)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redact(key), redactDeep(item, redact)])) as T;
}
