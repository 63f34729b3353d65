/** A moment: milliseconds since the Unix epoch, UTC. Always passed in; nothing below the edge reads a clock. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Duration = number;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** ISO 8601 in UTC with milliseconds, the only form written to the ledger. */
export function toIso(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** Parses `500ms`, `30s`, `15m`, `24h`, `7d` (also `1h30m`). Returns milliseconds, or null when it is not a duration. */
export function parseDuration(text: string): Duration | null {
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS[unit ?? ''] ?? Number.NaN);
  }
  return Number.isSafeInteger(total) ? total : null;
}

/** The shortest form a person reads at a glance: `340ms`, `2.4s`, `1m05s`, `3h12m`, `2d4h`. */
export function formatDuration(duration: Duration): string {
  const ms = Math.max(0, Math.round(duration));
  if (ms < 1_000) return `${ms}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')}s`;
  if (ms < 3_600_000) return joinUnits(ms, 60_000, 'm', 1_000, 's');
  if (ms < 86_400_000) return joinUnits(ms, 3_600_000, 'h', 60_000, 'm');
  return joinUnits(ms, 86_400_000, 'd', 3_600_000, 'h');
}

function joinUnits(ms: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const whole = Math.floor(ms / big);
  const rest = Math.floor((ms % big) / small);
  return rest === 0 ? `${whole}${bigUnit}` : `${whole}${bigUnit}${String(rest).padStart(2, '0')}${smallUnit}`;
}
