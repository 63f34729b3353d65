export const REDACTED = '[redacted]';

/** Beyond this depth a log line is not read by anyone, and a walk without a bound is a way to stop a service. */
const MAX_DEPTH = 8;
/** A shorter value would also be found inside ordinary words. */
const MIN_SECRET = 4;

const SECRET_KEY =
  /(?:^|[^a-z])(?:password|passwd|pwd|secret|token|authorization|cookie|credential|credentials|apikey|api[_-]key|private[_-]?key|access[_-]?key|session[_-]?id)(?:$|[^a-z])/;

/** `clientSecret`, `client_secret` and `Client-Secret` are one name. */
function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(
    key
      .replaceAll(/([a-z\d])([A-Z])/g, '$1-$2')
      .toLowerCase()
      .replaceAll('set-cookie', 'cookie'),
  );
}

/**
 * A copy of `value` in which everything under a secret-looking key is replaced.
 * @param onError turns an Error, whose fields are not enumerable, into a plain object first
 */
export function redactKeys(value: unknown, onError: (error: Error) => unknown, seen: readonly object[] = []): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (seen.includes(value)) return '[circular]';
  if (seen.length >= MAX_DEPTH) return '[too deep]';
  if (value instanceof Error) return redactKeys(onError(value), onError, [...seen, value]);
  const inner = [...seen, value];
  if (Array.isArray(value)) return value.map((entry) => redactKeys(entry, onError, inner));
  if ('toJSON' in value && typeof value.toJSON === 'function') return value;
  const entries = Object.entries(value).map(([key, entry]) => [key, isSecretKey(key) ? REDACTED : redactKeys(entry, onError, inner)]);
  return Object.fromEntries(entries);
}

/** The password in `scheme://user:password@host`, which no key name gives away. */
const URL_PASSWORD = /(:\/\/[^\s:/@"]*:)[^\s@/"]+@/g;

/** Returns a function that removes passwords in URLs and the given secret values from a text, whether written plainly, as JSON or in a URL. */
export function redactValues(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.flatMap((secret) =>
    secret.length < MIN_SECRET ? [] : [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)],
  );
  // The longest first, so that a secret which contains another leaves nothing behind.
  const ordered = [...new Set(forms)].toSorted((a, b) => b.length - a.length);
  return (text) => ordered.reduce((cleaned, form) => cleaned.replaceAll(form, REDACTED), text).replaceAll(URL_PASSWORD, `$1${REDACTED}@`);
}
