/** Everybody, in the unit of weights: thousandths of a percent. */
export const EVERYBODY = 100_000;

/** `12.5%` -> 12,500 thousandths of a percent; null for anything that is not a share with at most three digits after the point. */
export function parsePercent(text: string): number | null {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?\s?%$/.exec(text.trim());
  if (match === null) return null;
  const thousandths = Number(match[1]) * 1_000 + Number((match[2] ?? '').padEnd(3, '0'));
  return thousandths <= EVERYBODY ? thousandths : null;
}

/** 12,500 -> `12.5%`. */
export function percentText(thousandths: number): string {
  const whole = Math.floor(thousandths / 1_000);
  const rest = String(thousandths % 1_000).padStart(3, '0');
  return rest === '000' ? `${whole}%` : `${whole}.${rest.replace(/0+$/, '')}%`;
}
