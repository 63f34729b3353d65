/**
 * Instants as ISO 8601 with a zone: `2026-11-30T04:40Z`, `2026-11-30T04:40:00.5+01:00`. What has no zone (a date alone, too) means another
 * moment in another place, so it is none. Fractions are cut to milliseconds. Read by position, because that allocates nothing.
 */

const [HYPHEN, COLON, DOT, PLUS, ZERO, T, Z] = [45, 58, 46, 43, 48, 84, 90];
const MAX_LENGTH = 40;
const [DAY, HOUR, MINUTE, SECOND] = [86_400_000, 3_600_000, 60_000, 1_000];

/** The number in `count` digits; NaN where there is anything else. */
function digits(text: string, from: number, count: number): number {
  let number = 0;
  for (let at = from; at < from + count; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    // Written so that the NaN after the end is refused too.
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    number = number * 10 + digit;
  }
  return number;
}

/** The same, where it is not above `most`. */
function bounded(text: string, from: number, most: number): number {
  const number = digits(text, from, 2);
  return number <= most ? number : Number.NaN;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date algorithms", days_from_civil). */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468;
}

function dateAt(text: string): number {
  const [year, month, day] = [digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2)];
  const shaped = text.charCodeAt(4) === HYPHEN && text.charCodeAt(7) === HYPHEN && text.charCodeAt(10) === T;
  if (!shaped || !(month >= 1 && month <= 12) || !(day >= 1 && day <= daysIn(year, month))) return Number.NaN;
  return daysSince1970(year, month, day) * DAY;
}

/** Index after the fraction of a second that may stand at `from`: 1 to 9 digits; -1 when it is malformed. */
function endOfFraction(text: string, from: number): number {
  if (text.charCodeAt(from) !== DOT) return from;
  let at = from + 1;
  while (!Number.isNaN(digits(text, at, 1))) at++;
  return at === from + 1 || at > from + 10 ? -1 : at;
}

function milliseconds(text: string, from: number, to: number): number {
  let number = 0;
  for (let place = 1; place <= 3; place++) number = number * 10 + (from + place < to ? digits(text, from + place, 1) : 0);
  return number;
}

/** What the zone that ends the text is ahead of UTC; NaN when there is none. */
function zoneAt(text: string, from: number): number {
  const sign = text.charCodeAt(from);
  if (sign === Z) return text.length === from + 1 ? 0 : Number.NaN;
  if ((sign !== PLUS && sign !== HYPHEN) || text.charCodeAt(from + 3) !== COLON || text.length !== from + 6) return Number.NaN;
  const ahead = bounded(text, from + 1, 23) * HOUR + bounded(text, from + 4, 59) * MINUTE;
  return sign === PLUS ? ahead : -ahead;
}

/** Milliseconds since 1970; NaN when it is no instant, or one that is on no calendar. */
export function parseInstant(text: string): number {
  if (text.length > MAX_LENGTH || text.charCodeAt(13) !== COLON) return Number.NaN;
  let time = dateAt(text) + bounded(text, 11, 23) * HOUR + bounded(text, 14, 59) * MINUTE;
  let at = 16;
  if (text.charCodeAt(at) === COLON) {
    time += bounded(text, 17, 59) * SECOND;
    at = endOfFraction(text, 19);
    if (at === -1) return Number.NaN;
    time += milliseconds(text, 19, at);
  }
  return time - zoneAt(text, at);
}

/** An instant in a context: text, milliseconds since 1970, or a `Date`. NaN for anything else. */
export function instantOf(value: unknown): number {
  if (typeof value === 'string') return parseInstant(value);
  const time = value instanceof Date ? value.getTime() : value;
  return typeof time === 'number' && Number.isFinite(time) ? time : Number.NaN;
}
