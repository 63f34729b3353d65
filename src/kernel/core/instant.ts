/** A moment: milliseconds since the Unix epoch, UTC. Always passed in; nothing below the edge reads a clock. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Duration = number;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** ISO 8601 in UTC with milliseconds, the only form written to the ledger. */
export function toIso(instant: Instant): string {
  return new Date(instant).toISOString();
}

/** Parses `500ms`, `30s`, `15m`, `24h`, `7d` (also `1h30m`). Returns milliseconds, or null when it is not a duration. */
export function parseDuration(text: string): Duration | null {
  if (!/^(\d+(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) {
    total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  }
  return Number.isSafeInteger(total) ? total : null;
}

/** The shortest form a person reads at a glance: `340ms`, `2.4s`, `1m05s`, `3h12m`, `2d4h`. */
export function formatDuration(duration: Duration): string {
  const ms = Math.max(0, Math.round(duration));
  if (ms < 1_000) return `${ms}ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1).replace(/\.0$/, '')}s`;
  if (ms < 3_600_000) return joinUnits(ms, 'm', 's');
  if (ms < 86_400_000) return joinUnits(ms, 'h', 'm');
  return joinUnits(ms, 'd', 'h');
}

function joinUnits(ms: number, big: keyof typeof UNITS, small: keyof typeof UNITS): string {
  const whole = Math.floor(ms / UNITS[big]);
  const rest = Math.floor((ms % UNITS[big]) / UNITS[small]);
  return rest === 0 ? `${whole}${big}` : `${whole}${big}${String(rest).padStart(2, '0')}${small}`;
}
